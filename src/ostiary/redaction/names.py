"""Common first and last names and towns of eight languages, and words that say what a name is part of. Written down here, not taken from a data set."""

from collections.abc import Mapping


def _words(text: str) -> list[str]:
    return text.split()


_RAW: dict[str, tuple[str, str, str, str]] = {
    "en": (
        "Alice Emma Grace Hannah Lucy Sarah Olivia Claire Rachel Megan Laura Emily Sophie Jane Helen Karen Susan Mary Jennifer Linda",
        "James Thomas Henry Oliver Daniel Peter George Simon Andrew Mark Paul David John Robert Michael William Edward Steven Brian Kevin",
        "Smith Jones Taylor Brown Wilson Walker Wright Turner Cooper Hughes Parker Bennett Foster Harrison Palmer Marshall Stevens Webb Barnes Fisher Knight Ellis Reed Carter Morris Hayes Dixon Grant Porter Lawson",
        "Ashford Millbrook Fairview Kingsbury Oakham Brookfield Westerham Linton Harlow Clifton Redford Stanmore Thornbury Weston",
    ),
    "de": (
        "Anna Clara Johanna Katharina Lena Marie Sabine Ursula Petra Monika Heike Birgit Franziska Julia Greta Ingrid Renate Silke Antje Martina",
        "Lukas Jonas Felix Maximilian Stefan Andreas Jürgen Klaus Wolfgang Matthias Uwe Dieter Hans Karl Florian Sebastian Tobias Markus Bernd Rainer",
        "Müller Schmidt Schneider Fischer Weber Meyer Wagner Becker Hoffmann Schulz Koch Bauer Richter Klein Wolf Schröder Neumann Braun Zimmermann Krüger Hartmann Lange Werner Lehmann Köhler Maier Huber Kaiser Fuchs Vogel",
        "Neustadt Altenburg Lindau Marbach Rosenheim Weilheim Friedberg Grünstadt Bergen Waldkirch Oberkirch Steinfurt Brunnen Hainburg",
    ),
    "fr": (
        "Camille Juliette Manon Chloé Élise Sylvie Nathalie Isabelle Brigitte Aurélie Céline Margaux Amélie Hélène Véronique Mathilde Odile Lucie Florence Sandrine",
        "Antoine Julien Mathieu Nicolas Pierre Jacques Philippe Laurent Guillaume Étienne Olivier Benoît François Thierry Hugo Rémi Bastien Yves Gérard Alain",
        "Martin Bernard Dubois Durand Moreau Laurent Lefebvre Roux Fournier Girard Bonnet Lambert Fontaine Rousseau Blanc Guerin Faure Mercier Chevalier Garnier Legrand Gauthier Perrin Morin Dumont Marchand Renard Barbier Caron Picard",
        "Beaumont Clairval Montfort Rochefort Villeneuve Belleville Fontenay Marsac Valmont Chantelle Saint-Clair Aubigny Lormont Grandpré",
    ),
    "es": (
        "Carmen Lucía Pilar Rocío Marta Elena Paula Inés Beatriz Cristina Mercedes Raquel Silvia Teresa Alba Nuria Dolores Irene Pilar Ainhoa",
        "Alejandro Javier Carlos Miguel Diego Pablo Sergio Fernando Álvaro Rafael Manuel Andrés Ignacio Jorge Luis Ramón Enrique Gonzalo Joaquín Emilio",
        "García Fernández González Rodríguez López Martínez Sánchez Pérez Gómez Ruiz Díaz Moreno Álvarez Romero Navarro Torres Domínguez Vázquez Ramos Gil Serrano Blanco Molina Castro Ortega Delgado Iglesias Medina Garrido Cortés",
        "Villanueva Castellar Montealegre Fuentes Valdehermosa Ribera Torrejón Alcázar Miraflores Peñalba Olmedo Sotillo Encinas Robledo",
    ),
    "it": (
        "Giulia Francesca Chiara Federica Alessandra Silvia Elisa Valentina Paola Martina Giorgia Ilaria Serena Caterina Lucia Roberta Daniela Rosa Bianca Ginevra",
        "Marco Luca Giovanni Alessandro Matteo Lorenzo Davide Simone Francesco Giuseppe Antonio Stefano Roberto Paolo Riccardo Enrico Fabio Massimo Claudio Tommaso",
        "Rossi Russo Ferrari Esposito Bianchi Romano Colombo Ricci Marino Greco Bruno Gallo Conti Costa Giordano Mancini Rizzo Lombardi Moretti Barbieri Fontana Santoro Mariani Rinaldi Caruso Ferrara Galli Martini Leone Longo",
        "Castelnuovo Montebello Villafranca Borgosesia Pietralta Roccamare Sanremo Acquaviva Campofiore Valverde Torrebianca Belmonte Fontanella Colleferro",
    ),
    "nl": (
        "Sanne Fleur Lotte Anouk Femke Marloes Ingeborg Maaike Willemijn Marieke Esther Noor Saskia Truus Hanneke Lieke Wilma Jolanda Mirjam Roos",
        "Daan Sem Bram Jeroen Pieter Willem Kees Jasper Maarten Sander Wouter Joost Gijs Ruben Hendrik Johan Dirk Tim Niels Thijs",
        "Jansen Bakker Visser Smit Meijer Mulder Bos Vos Peters Hendriks Dekker Brouwer Dijkstra Kok Jacobs Vermeulen Schouten Willems Hoekstra Koster Prins Huisman Postma Kuipers Veenstra Kramer Molenaar Timmermans Groen Blom",
        "Oosterdam Nieuwveen Westerhoven Lindeveld Waterland Broekhuizen Zandvoorde Molenbeek Veldhoven Hoogstad Rijnsburg Koudekerk Heemskerk Duinrust",
    ),
    "pt": (
        "Mariana Beatriz Catarina Joana Leonor Matilde Rita Sofia Teresa Fernanda Juliana Patrícia Gabriela Larissa Camila Vanessa Aline Helena Luísa Isabel",
        "João Tiago Rui Duarte Gonçalo Nuno Vasco Bruno Ricardo Eduardo Rodrigo Gustavo Leandro Marcelo Fábio Luís Vítor Afonso Caio Thiago",
        "Silva Santos Ferreira Pereira Oliveira Costa Rodrigues Martins Jesus Sousa Fernandes Gonçalves Gomes Lopes Marques Almeida Ribeiro Pinto Carvalho Teixeira Moreira Correia Mendes Nunes Soares Vieira Monteiro Cardoso Rocha Coelho",
        "Vilanova Serpa Montalvo Ribeirinha Castelo Alvorada Lagoa Pedrosa Santarém Almada Valongo Figueira Estrela Mirandela",
    ),
    "pl": (
        "Agnieszka Katarzyna Małgorzata Zofia Magdalena Joanna Ewa Karolina Aleksandra Weronika Beata Dorota Iwona Natalia Kinga Halina Danuta Urszula Renata Jadwiga",
        "Piotr Krzysztof Andrzej Tomasz Paweł Marcin Michał Jakub Wojciech Grzegorz Łukasz Kamil Rafał Mateusz Maciej Zbigniew Dariusz Szymon Bartosz Jerzy",
        "Nowak Wójcik Kowalczyk Woźniak Mazur Krawczyk Kaczmarek Zając Król Wieczorek Wróbel Stępień Dudek Adamczyk Pawlak Sikora Walczak Baran Michalak Szewczyk Pietrzak Duda Jasiński Bąk Włodarczyk Kubiak Wilk Lis Mazurek Kozioł",
        "Nowogard Zielonka Brzeziny Lipowiec Jaworzno Dąbrowa Olszyna Kamionka Wierzbica Sosnowa Borki Rudawa Grodziec Piaski",
    ),
}  # fmt: skip

NAMES: Mapping[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = {
    language: (tuple(rows[0].split()), tuple(rows[1].split()), tuple(rows[2].split()), tuple(rows[3].split()))
    for language, rows in _RAW.items()
}
"""By language: women's and men's first names, last names, towns."""

GENDER_OF: Mapping[str, str] = {
    name.casefold(): gender
    for rows in NAMES.values()
    for gender, listed in (("m", rows[1]), ("f", rows[0]))
    for name in listed
}
LANGUAGE_OF: Mapping[str, str] = {
    name.casefold(): language
    for language in reversed(tuple(NAMES))
    for listed in NAMES[language][:3]
    for name in listed
}

TITLES: Mapping[str, str] = {
    **dict.fromkeys(_words("mrs ms miss frau mme mlle madame señora sra signora sig.ra mevrouw mevr senhora dona pani lady dame"), "f"),
    **dict.fromkeys(_words("mr sir herr monsieur m señor sr signor sig meneer dhr senhor pan lord"), "m"),
    **dict.fromkeys(_words("dr prof professor doctor dott dottore ing mag dipl rev jr ii iii phd md"), ""),
}  # fmt: skip
"""Forms of address, which stay, and the gender that they show."""

PARTICLES = frozenset(
    _words("von van de der den del della di da do dos das du la le les y e el ten ter zu und and")
)

STREET_WORDS = frozenset(_words("street st road rd avenue ave lane ln drive dr court ct place pl square sq boulevard blvd way apt apartment suite unit floor flat box straße strasse str weg platz allee gasse "
    "rue chemin impasse place quai route cours bis ter calle plaza paseo avenida camino piso puerta via viale piazza corso vicolo largo straat laan plein gracht weg kade rua travessa praça estrada "
    "ulica ul aleja al plac pl osiedle os north south east west upper lower the der die das den des de del della di da do dos du la le les van von"))  # fmt: skip
STREET_ENDINGS = (
    "straße",
    "strasse",
    "str",
    "gasse",
    "weg",
    "platz",
    "allee",
    "straat",
    "laan",
    "plein",
    "gracht",
    "kade",
)
LEGAL_FORMS = r"GmbH(?: & Co\. KG)?|AG|KG|SE|UG|e\.V|Ltd|Limited|LLC|LLP|Inc|Corp|Corporation|Company|Co|PLC|S\.?A\.?S?|SARL|S\.?L\.?U?|S\.?p\.?A|S\.?r\.?l|B\.?V|N\.?V|Lda|Ltda|Sp\. z o\.o|S\.A"
HEADS = tuple(
    _words(
        "Alt Bel Cor Dal El Fen Gal Hel Ist Jor Kal Lum Mar Nor Or Pel Quen Ran Sol Tar Ul Val Wes Xan Yar Zel"
    )
)
TAILS = tuple(
    _words(
        "aris ando emor ivia onis ura eska iden olan umer axis elis oria anta ervo ilan osta ulix amar edon"
    )
)
TRADES = tuple(
    _words("Works Partners Systems Trading Services Supply Logistics Foods Energy Media Textiles Instruments")
)
