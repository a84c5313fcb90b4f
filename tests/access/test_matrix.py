from ostiary.access import matrix
from ostiary.access.roles import BUILT_IN
from tests.access.test_authorise import action

HELD = {
    "viewer": "approval.read call.read connector.read contract.read me.own member.read policy.read privacy.read session.own",
    "developer": "approval.read call.read connector.manage connector.read contract.call contract.manage contract.read document.export"
    " document.review intent.say key.manage key.read me.own member.read policy.read privacy.detect privacy.read privacy.redact"
    " session.own source.ask source.stream",
    "support": "approval.decide approval.read call.read call.settle connector.read contract.call contract.read document.export document.review"
    " intent.say me.own member.read policy.read privacy.detect privacy.read privacy.redact session.own source.ask",
    "admin": "approval.decide approval.read call.read call.settle connector.manage connector.read contract.call contract.manage contract.read"
    " document.export document.review intent.manage intent.say key.manage key.read limit.manage me.own member.manage member.read"
    " policy.manage policy.read privacy.detect privacy.discover privacy.manage privacy.read privacy.redact role.manage session.own source.ask source.manage source.stream stop.manage"
    " webhook.manage webhook.read",
    "owner": "approval.decide approval.read audit.export audit.publish audit.read audit.reveal call.read call.settle connector.manage"
    " connector.read contract.call contract.manage contract.read document.export document.review intent.manage intent.say key.manage"
    " key.read limit.manage me.own member.manage member.read policy.manage policy.read privacy.detect privacy.discover privacy.manage privacy.read"
    " privacy.redact privacy.restore retention.manage role.manage session.own source.ask source.manage source.stream stop.manage subject.erase tenant.manage webhook.manage"
    " webhook.read",
}
"""A reviewer reads every change to this."""


def test_each_built_in_role_holds_exactly_this() -> None:
    assert {role: " ".join(sorted(held)) for role, held in BUILT_IN.items()} == HELD


def test_the_matrix_says_who_may_call_what() -> None:
    page = matrix.markdown(
        [
            action("ticket.close", permission="approval.decide"),
            action("session.start", public=True),
            action("tenant.create", permission="install.manage"),
        ]
    )
    assert "| `ticket.close` | `approval.decide` | low |  |  | yes | yes | yes |" in page
    assert "| `session.start` |  | low | anyone | anyone | anyone | anyone | anyone |" in page
    assert (
        "| `tenant.create` | `install.manage` | low | operator | operator | operator | operator | operator |"
        in page
    )
    assert page.index("session.start") < page.index("tenant.create") < page.index("ticket.close")
    assert "| `audit.reveal` | open the sealed details of an event |  |  |  |  | yes |" in page


def test_a_permission_that_nobody_could_hold_is_found() -> None:
    assert matrix.undeclared(
        [action(permission="audit.raed"), action("a.b", permission="x", public=True)]
    ) == ["audit.raed"]
