"""Documents under review, put together: what is asked of them, the jobs that work on them, and how their bytes come in."""

from ostiary.actions import Action
from ostiary.blobs.storage import Blobs
from ostiary.clock import Clock
from ostiary.consent.watch import Watch
from ostiary.db.database import Database
from ostiary.jobs.queue import Queue
from ostiary.privacy.plans.plans import Plans
from ostiary.review import actions as review_actions
from ostiary.review import letting_go, store
from ostiary.review.going import Going
from ostiary.review.intake import Intake
from ostiary.review.reviews import Reviews
from ostiary.vault.sealing import Vault

KINDS = review_actions.KINDS
KEPT = letting_go.KEPT


class Documents:
    """One for the process."""

    def __init__(self, database: Database, vault: Vault, blobs: Blobs, clock: Clock, queue: Queue) -> None:
        self.reviews = Reviews(database, vault, blobs, clock, Plans(database, vault), queue)
        self.intake = Intake(self.reviews)
        self.watch = Watch()
        """Who looks at a document learns that one of the tenant's has changed, in whichever process."""
        self.watch.follow(database.signals, store.CHANGED)

    def actions(self) -> list[Action]:
        return review_actions.actions(self.reviews, Going())
