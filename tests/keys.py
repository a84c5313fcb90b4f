"""A root key for tests. It opens nothing but what tests seal."""

import base64

ROOT_KEY = base64.b64encode(bytes(range(32))).decode()
