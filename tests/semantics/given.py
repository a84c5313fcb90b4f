"""A shop's meaning, in Apache Ossie's YAML."""

SHOP = """
version: 0.2.0.dev0
semantic_model:
  - name: shop
    datasets:
      - name: customers
        source: main.customers
        primary_key: [id]
        fields:
          - {name: id, expression: {dialects: [{dialect: ANSI_SQL, expression: id}]}, datatype: Integer}
          - {name: name, expression: {dialects: [{dialect: ANSI_SQL, expression: name}]}, datatype: String}
          - {name: country, expression: {dialects: [{dialect: ANSI_SQL, expression: country}]}, datatype: String, ai_context: {synonyms: [land]}, custom_extensions: [{vendor_name: OSTIARY, data: '{"values": {"germany": "DE", "american": "US"}}'}]}
      - name: orders
        source: main.orders
        primary_key: [id]
        ai_context: {synonyms: [purchases]}
        fields:
          - {name: id, expression: {dialects: [{dialect: ANSI_SQL, expression: id}]}, datatype: Integer}
          - {name: amount, expression: {dialects: [{dialect: ANSI_SQL, expression: amount}]}, datatype: Decimal}
          - {name: status, expression: {dialects: [{dialect: ANSI_SQL, expression: status}]}, datatype: String}
          - {name: large, expression: {dialects: [{dialect: ANSI_SQL, expression: "CASE WHEN amount > 25 THEN 'yes' ELSE 'no' END"}]}, datatype: String}
          - {name: ordered_on, expression: {dialects: [{dialect: ANSI_SQL, expression: ordered_on}]}, datatype: Date}
      - name: refunds
        source: main.refunds
        fields:
          - {name: amount, expression: {dialects: [{dialect: ANSI_SQL, expression: amount}]}, datatype: Decimal}
    relationships:
      - {name: of_customer, from: orders, to: customers, from_columns: [customer_id], to_columns: [id]}
      - {name: of_order, from: refunds, to: orders, from_columns: [order_id], to_columns: [id]}
    metrics:
      - {name: revenue, expression: {dialects: [{dialect: ANSI_SQL, expression: SUM(orders.amount)}]}, ai_context: {synonyms: [turnover, sales]}}
      - {name: refunded, expression: {dialects: [{dialect: ANSI_SQL, expression: SUM(refunds.amount)}]}}
      - {name: net_share, expression: {dialects: [{dialect: ANSI_SQL, expression: "SUM(orders.amount) / COUNT(DISTINCT customers.id)"}]}}
    custom_extensions:
      - vendor_name: OSTIARY
        data: '{"verified": [{"question": "Who is our best customer?", "sql": "SELECT name FROM customers WHERE id = 1"}, {"question": "What did {name} buy", "sql": "SELECT count(*) AS n FROM orders JOIN customers ON customers.id = orders.customer_id WHERE customers.name = :name"}]}'
"""
TABLES = (
    "CREATE TABLE customers (id INTEGER PRIMARY KEY, name VARCHAR(40), country VARCHAR(10))",
    "CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER, amount DECIMAL(10, 2), status VARCHAR(10), ordered_on DATE)",
    "CREATE TABLE refunds (order_id INTEGER, amount DECIMAL(10, 2))",
    "INSERT INTO customers VALUES (1, 'Ada', 'DE'), (2, 'Bob', 'US'), (3, 'Cid', 'US')",
    "INSERT INTO orders VALUES (1, 1, 10, 'paid', '2026-10-01'), (2, 1, 30, 'paid', '2026-11-02'), (3, 2, 5, 'open', '2026-11-20'), (4, 3, 55, 'paid', '2025-11-20')",
    "INSERT INTO refunds VALUES (1, 3), (1, 4), (4, 5)",
)
