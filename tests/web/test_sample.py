"""The sample answers fit the rooms' own models, so that what the pages read there is what they get from a gateway."""

import time
from pathlib import Path
from typing import Any

import orjson

from ostiary.shapes import ModelShape
from tests.house import House, play
from tests.web.sample import AGENT, CODE, TOTP, SampleDoor, numbered

ASKED: dict[str, dict[str, Any]] = {
    "approval.show": {"approval_id": numbered("apr", 1)},
    "approval.reject": {"approval_id": numbered("apr", 2), "reason": "no"},
    "audit.proof": {"event_id": numbered("evt", 116)},
    "audit.reveal": {"event_id": numbered("evt", 116)},
    "audit.search": {"limit": 200},
    "audit.show": {"event_id": numbered("evt", 116)},
    "call.list": {"state": "any"},
    "call.settle": {"call_id": numbered("cal", 107), "outcome": "done", "note": ""},
    "call.show": {"call_id": numbered("cal", 105)},
    "connector.put": {"name": "billing", "settings": {"kind": "http"}},
    "connector.remove": {"name": "billing"},
    "connector.secret_rotate": {"name": "billing"},
    "connector.show": {"name": "billing"},
    "contract.check": {"text": ""},
    "contract.file": {"version": 0},
    "contract.show": {"name": "invoice.refund"},
    "audit.export_part": {"job_id": numbered("job", 6), "part": 0},
    "erasure.certificate": {"erasure_id": numbered("era", 1)},
    "erasure.show": {"erasure_id": numbered("era", 1)},
    "job.show": {"job_id": numbered("job", 1)},
    "key.rotate": {"key_id": AGENT},
    "me.totp_confirm": {"code": TOTP},
    "privacy.policy_put": {"shown": {}},
    "shield.stop": {"kind": "key", "target": AGENT, "reason": "odd"},
    "subject.erase": {"subject": "C-1", "confirm": "C-1"},
    "session.second_factor": {"code": TOTP},
    "session.start": {"request": numbered("cod", 1), "code": CODE},
    "session.step_up": {"code": TOTP},
    "session.switch_tenant": {"tenant": numbered("ten", 9)},
}
LEFT_OUT = {"approval.approve", "me.totp_remove"}
"""They answer like approval.reject and the others; on the sample they need a digest and a step-up first."""


def test_every_sample_answer_fits_its_room(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        door = SampleDoor(time.time_ns() // 1_000)
        methods = [name for name in dir(SampleDoor) if callable(getattr(SampleDoor, name))]
        names = [name for name in methods if "_" in name and not name.startswith("_")]
        known = {action.name.replace(".", "_"): action for action in house.gateway.registry.all().values()}
        checked = 0
        for attribute in names:
            action = known.get(attribute)
            assert action, attribute
            if action.name in LEFT_OUT:
                continue
            assert isinstance(action.result, ModelShape)
            answer = getattr(door, attribute)(ASKED.get(action.name, {}))
            action.result.model.model_validate_json(orjson.dumps(answer), strict=True)
            checked += 1
        assert checked > 45

    play(tmp_path, story, furnished=False)
