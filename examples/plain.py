"""What an agent may ask for, a dry run of it, and the call itself. `python examples/plain.py customer.show '{"customer_id": "..."}'`"""

import json
import sys

from ostiary.client import Client, Held, Problem


def main(name: str = "", params: str = "{}") -> None:
    with Client() as client:
        if not name:
            for contract in client.contracts():
                print(f"{contract.name:32} {contract.title}")
            return
        asked = json.loads(params)
        preview = client.preview(name, asked)
        print(f"It would {preview.decision}{' (' + preview.rule + ')' if preview.rule else ''}.")
        try:
            outcome = client.do(name, asked, timeout_s=120)
        except Problem as problem:
            print(f"Refused: {problem}")
        else:
            waits = isinstance(outcome, Held)
            print("It still waits for a person." if waits else json.dumps(outcome.result, indent=2))


if __name__ == "__main__":
    main(*sys.argv[1:3])
