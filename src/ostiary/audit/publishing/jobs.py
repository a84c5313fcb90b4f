"""Publishing as a job: one step cuts, checks and cosigns the checkpoint, keeps it and gives it to the webhooks; the next one mails it."""

from functools import partial

from ostiary import metrics
from ostiary.actions import Action, Call
from ostiary.audit.publishing import store
from ostiary.audit.publishing.publisher import KIND, STEP, Publisher, cosigners
from ostiary.clock import SECOND_US
from ostiary.work import Going, Kind, Step, step

EVERY_S = 900

PUBLISH = Kind(
    name=KIND,
    title="Publish a checkpoint",
    description="Takes a checkpoint where the log has grown, checks that it extends the one before, has it cosigned by the tenant's witnesses, keeps it, gives it to the webhooks, and mails it.",
    permission="audit.publish",
    step=STEP,
    every_s=EVERY_S,
)


def steps(publisher: Publisher) -> list[Action]:
    """The step actions of this room."""

    async def publish(call: Call, going: Going) -> Step:
        if going.cursor:
            note = await publisher.deliver(call.tenant, int(going.cursor))
            mark = partial(store.mark_sent, tenant=call.tenant, size=int(going.cursor), at_us=call.at_us)
            call.write(mark)
            return Step(cursor=going.cursor, done=True, count=2, total=2, note=note)
        cut = await publisher.due(call.tenant)
        metrics.CHECKPOINT_AT.set(call.at_us / SECOND_US)
        if cut is None:
            return Step(done=True, note="nothing new")
        row = await publisher.cosign(call.tenant, cut)
        call.write(lambda connection: store.keep(connection, call.tenant, row))
        _, moved = await publisher.webhook(call.tenant, cut.how)
        if moved:
            call.write(moved)
        settings = cut.how.settings
        sends = bool(settings.mail_to) and not row.sent_us
        if not cut.again:
            call.write(publisher.announced(call.tenant, row))
            if settings.webhook_url and not sends:
                call.write(partial(store.mark_sent, tenant=call.tenant, size=row.size, at_us=call.at_us))
        note, count = f"{row.size} events", len(cosigners(row, cut.how))
        if settings.witnesses:
            note += f", cosigned by {count} of {len(settings.witnesses)}"
        enough = "cosigned" if count >= settings.quorum else "short"
        metrics.CHECKPOINTS.labels(enough if settings.witnesses else "plain").inc()
        return Step(cursor=str(row.size), done=not sends, count=1, total=2 if sends else 1, note=note)

    return [step(PUBLISH, publish)]
