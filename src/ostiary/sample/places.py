"""Where the made-up customers live: names, streets, phones and bank accounts in the shape of each country.

Phone numbers are from the ranges that regulators keep for fiction where they have one, e-mail domains are reserved (RFC 2606), bank codes belong to
no bank; check digits of bank accounts are right, so that validators take them for what they look like.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """A country. `phone` and `bban` are shapes: `#` is a digit; `house_first` puts the number before the street, as in London."""

    country: str
    language: str
    first_names: tuple[str, ...]
    last_names: tuple[str, ...]
    streets: tuple[str, ...]
    cities: tuple[tuple[str, str], ...]
    phone: str
    bban: str
    house_first: bool = False


PLACES = (
    Place(
        "GB",
        "en",
        ("Oliver", "Amelia", "Harriet", "Callum", "Priya", "Rhys", "Imogen", "Kwame", "Eleanor", "Tariq"),
        ("Ashdown", "Whitlock", "Okafor", "Penrose", "Sharma", "Trevithick", "Hale", "Brightwell", "Lennox"),
        ("Mill Lane", "Harbour Street", "Chapel Row", "Station Road", "Orchard Close", "Priory Walk"),
        (("Bristol", "BS1 4ST"), ("Leeds", "LS2 7EW"), ("Truro", "TR1 2HE"), ("London", "SE16 4RT")),
        "+44 7700 900###",
        "PFSB##############",
        house_first=True,
    ),
    Place(
        "DE",
        "de",
        ("Annika", "Jürgen", "Lena", "Matthias", "Sabine", "Emre", "Friederike", "Tobias", "Heike", "Lukas"),
        ("Bergmann", "Köhler", "Yıldız", "Straßburger", "Vogel", "Reinhardt", "Mertens", "Quandt", "Löffler"),
        ("Lindenstraße", "Am Kornmarkt", "Hafenweg", "Goethestraße", "Schillerplatz", "Mühlgasse"),
        (("Bremen", "28195"), ("Leipzig", "04109"), ("Freiburg", "79098"), ("Hamburg", "20457")),
        "+49 30 23125 ###",
        "##################",
    ),
    Place(
        "FR",
        "fr",
        ("Camille", "Élodie", "Thibault", "Aurélie", "Mehdi", "Baptiste", "Solène", "Gaëlle", "Olivier"),
        ("Lefèvre", "Marchand", "Benali", "Charpentier", "Delacour", "Rousselot", "Gauthier", "Perrin"),
        ("rue des Tanneurs", "quai de la Fosse", "avenue Jean Jaurès", "place du Marché", "rue Haute"),
        (("Nantes", "44000"), ("Lyon", "69002"), ("Lille", "59000"), ("Montpellier", "34000")),
        "+33 6 39 98 ## ##",
        "#######################",
    ),
    Place(
        "NL",
        "nl",
        ("Anneke", "Bram", "Fleur", "Joost", "Saskia", "Youssef", "Marijke", "Sander", "Lotte"),
        ("de Vries", "van den Berg", "Bakker", "El Amrani", "Hoekstra", "Visser", "Kuipers", "Dijkstra"),
        ("Prinsengracht", "Oudegracht", "Kerkstraat", "Wilhelminakade", "Molenweg"),
        (("Utrecht", "3511 AB"), ("Rotterdam", "3072 AP"), ("Groningen", "9712 HN")),
        "+31 6 5550 ####",
        "PFHB##########",
    ),
    Place(
        "ES",
        "es",
        ("Lucía", "Álvaro", "Nerea", "Íñigo", "Carmen", "Rubén", "Marta", "Joaquín"),
        ("Ibáñez", "Castaño", "Requena", "Muñoz", "Etxeberria", "Salvatierra", "Lozano"),
        ("Calle Mayor", "Paseo del Río", "Calle de la Sal", "Avenida del Puerto"),
        (("Bilbao", "48005"), ("Valencia", "46001"), ("Cádiz", "11005")),
        "+34 655 500 ###",
        "####################",
    ),
    Place(
        "IT",
        "it",
        ("Giulia", "Matteo", "Chiara", "Davide", "Ilaria", "Lorenzo", "Serena", "Niccolò"),
        ("Bellandi", "Moretti", "Zanetti", "Fabbri", "Carraro", "D'Amico", "Santoro"),
        ("Via dei Calzaiuoli", "Corso Garibaldi", "Via San Vitale", "Viale dei Tigli"),
        (("Bologna", "40125"), ("Trieste", "34121"), ("Lucca", "55100")),
        "+39 345 550 ####",
        "X######################",
    ),
    Place(
        "PL",
        "pl",
        ("Agnieszka", "Wojciech", "Zofia", "Krzysztof", "Małgorzata", "Piotr", "Hanna"),
        ("Wiśniewska", "Kowalczyk", "Zieliński", "Dąbrowska", "Szymański", "Wójcik"),
        ("ul. Długa", "ul. Piwna", "ul. Świętego Marcina", "al. Niepodległości"),
        (("Gdańsk", "80-831"), ("Poznań", "61-806"), ("Kraków", "31-042")),
        "+48 605 550 ###",
        "########################",
    ),
)

MAIL_DOMAINS = ("example.com", "example.net", "example.org", "mail.example", "post.example")
