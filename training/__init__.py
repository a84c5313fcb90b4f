"""How the model of `ostiary.detection` is made: readers of annotated corpora, generated sentences, the trainer, the export and the scorer. Not in the wheel."""
