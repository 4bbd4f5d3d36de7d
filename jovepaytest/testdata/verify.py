"""The Python verifier of JovePay's guide.

Reads one notification a line: form, secret, signature and body, the last in
base64. Answers whether it is genuine.
"""

import base64
import hashlib
import hmac
import json
import sys

for line in sys.stdin:
    form, secret, signature, body = line.split()
    message = json.loads(base64.b64decode(body))
    text = json.dumps(message, separators=(",", ":"), sort_keys=True)
    digest = hmac.new(secret.encode(), text.encode(), hashlib.sha512).hexdigest()
    print("genuine" if hmac.compare_digest(digest, signature) else "forged")
