"""`ostiary webhooks` against a running gateway."""

from tests.cli.test_commands import Command
from tests.cli.test_commands import ostiary as ostiary
from tests.cli.test_commands import served as served
from tests.cli.test_commands import shop as shop


def test_a_webhook_is_added_tested_paused_renewed_and_removed(ostiary: Command) -> None:
    assert "approval.requested" in ostiary("webhooks", "types").stdout
    told = ostiary(
        "webhooks", "add", "https://hook.example/in?k=1", "--type", "approval.*", "--type", "incident.stopped"
    ).stdout
    made, secret = told.split("\n")[0], told.split(": ")[1].strip()
    assert made.startswith("whk_")
    assert secret.startswith("whsec_")
    (row,) = ostiary.json("webhooks", "list")["webhooks"]
    assert (row["url"], row["types"]) == ("https://hook.example/in?…", ["approval.*", "incident.stopped"])
    assert ostiary("webhooks", "test", made).stdout == "on its way\n"
    (sent,) = ostiary.json("webhooks", "deliveries", made)["deliveries"]
    assert ostiary.json("webhooks", "delivery", sent["id"])["body"]["type"] == "webhook.test"
    assert ostiary.json("webhooks", "pause", made)["state"] == "paused"
    assert ostiary.json("webhooks", "resume", made)["state"] == "active"
    fresh = ostiary("webhooks", "rotate", made, "--overlap-s", "60").stdout.strip()
    assert fresh.startswith("whsec_")
    assert fresh != secret
    assert ostiary("webhooks", "replay", made).stdout == "0 sent again\n"
    span = ("--since", "24h", "--until", "2100-01-01T00:00:00Z", "--delivered")
    assert ostiary.json("webhooks", "replay", made, *span)["count"] in (0, 1)
    ostiary("webhooks", "replay", made, "--since", "yesterday", code=2)
    ostiary("webhooks", "replay", sent["id"], "--delivered", code=2)
    assert ostiary("webhooks", "remove", made).stdout == "removed\n"
    assert ostiary.json("webhooks", "list")["webhooks"] == []


def test_what_is_wrong_is_said_with_its_code(ostiary: Command) -> None:
    refused = ostiary("webhooks", "add", "https://127.0.0.1.:1/", "--type", "approval.*", code=1)
    assert "net.address_refused" in refused.stdout + refused.stderr
    unknown = ostiary("webhooks", "add", "https://hook.example/", "--type", "approval.nothing", code=1)
    assert "is no type of notice" in unknown.stdout + unknown.stderr
    forbidden = ostiary("webhooks", "list", role="support", code=1)
    assert "access.forbidden" in forbidden.stdout + forbidden.stderr


def test_the_installations_webhook_is_signed_with_a_key_whose_public_half_is_printed(
    ostiary: Command,
) -> None:
    group = ("webhooks", "--installation")
    assert "backup.failed" in ostiary(*group, "types").stdout
    told = ostiary(*group, "add", "https://hook.example/in", "--type", "*", "--signing", "asymmetric").stdout
    made, public = told.split("\n")[0], told.split(": ")[1].strip()
    assert public.startswith("whpk_")
    assert public in ostiary(*group, "keys", made).stdout
    assert ostiary.json("webhooks", "list")["webhooks"] == []
    assert ostiary(*group, "test", made).stdout == "on its way\n"
    (sent,) = ostiary.json(*group, "deliveries", made)["deliveries"]
    assert ostiary.json(*group, "delivery", sent["id"])["body"]["type"] == "webhook.test"
    secret = ostiary(*group, "rotate", made, "--signing", "symmetric").stdout.strip()
    assert secret.startswith("whsec_")
    refused = ostiary(*group, "list", role="support", code=1)
    assert "access.forbidden" in refused.stdout + refused.stderr
    assert ostiary(*group, "remove", made).stdout == "removed\n"
