"""PowerPoint (PresentationML): hidden slides and notes go; text lies in paragraphs of shapes, tables, charts and diagrams."""

from functools import partial

from ostiary.documents import xmls
from ostiary.documents.ooxml import Ooxml, Package, paragraph_groups
from ostiary.documents.xmls import local

TEXTS = ("t",)
GAPS = ("br", "tab")


def clean(package: Package) -> None:
    for name in package.of_type("presentationml.slide+xml"):
        if package.trees[name].get("show") in ("0", "false"):
            package.drop(name, "hidden slides")
    for name in package.of_type("presentation.main") + package.of_type("slideshow.main"):
        for element in list(package.trees[name].iter()):
            if local(element) in ("notesMasterIdLst", "handoutMasterIdLst", "modifyVerifier"):
                xmls.removed(element)
    for name, tree in package.trees.items():
        if name.startswith("ppt/") and not name.endswith(".rels"):
            for element in list(tree.iter()):
                if local(element) == "cNvPr" and element.get("hidden") in ("1", "true"):
                    package.carriers["hidden shapes"] += 1
                    xmls.removed(element.getparent().getparent())
                elif local(element) == "cSld":
                    element.attrib.pop("name", None)


PPTX = Ooxml(
    "pptx",
    ("pptx", "pptm", "ppsx", "potx"),
    "ppt/",
    clean,
    partial(paragraph_groups, folder="ppt/", texts=TEXTS, gaps=GAPS),
)
