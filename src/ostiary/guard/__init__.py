"""Whether a statement only reads, and reads only what it may: judged on its syntax tree by an allow-list, for PostgreSQL by PostgreSQL's own grammar too, and once more on the text
that would be executed, which is written anew from the tree. What is not known to be harmless is refused, with a code and with what to change. Pure: nothing here connects."""
