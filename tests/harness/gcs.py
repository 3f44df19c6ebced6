"""Google Cloud Storage as it is asked through its XML API: that of S3, but for how it is shown who asks.

Requests are let in that show a token which a service account signed for itself (RFC 7523, RFC 7515), and go on to
moto's S3, which takes any signature. The account's key is made here, and written as the first line.
"""

import base64
import json
import time

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import run_simple

EMAIL = "larder@project.example"
SIGNED = (
    "AWS4-HMAC-SHA256 Credential=larder-test/20260101/us-east-1/s3/aws4_request, "
    "SignedHeaders=host, Signature=none"
)
DENIED = b"<?xml version='1.0'?><Error><Code>AuthenticationRequired</Code></Error>"

key = rsa.generate_private_key(65537, 2048)


def decoded(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def is_let_in(authorization):
    scheme, _, token = authorization.partition(" ")
    parts = token.split(".")
    if scheme != "Bearer" or len(parts) != 3:
        return False
    try:
        signed = ".".join(parts[:2]).encode()
        key.public_key().verify(decoded(parts[2]), signed, padding.PKCS1v15(), hashes.SHA256())
        claims = json.loads(decoded(parts[1]))
    except (InvalidSignature, ValueError):
        return False
    return claims["iss"] == EMAIL and claims["exp"] > time.time()


s3 = DomainDispatcherApplication(create_backend_app)


def gcs(environ, start_response):
    if not is_let_in(environ.get("HTTP_AUTHORIZATION", "")):
        # Who runs the test makes the bucket.
        if environ["REQUEST_METHOD"] != "PUT" or "/" in environ["PATH_INFO"].strip("/"):
            start_response("401 Unauthorized", [("Content-Type", "application/xml")])
            return [DENIED]
    environ["HTTP_AUTHORIZATION"] = SIGNED
    return s3(environ, start_response)


pem = key.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
)
account = {
    "type": "service_account",
    "client_email": EMAIL,
    "private_key": pem.decode(),
    "private_key_id": "1",
}
print("the account is " + json.dumps(account), flush=True)
run_simple("127.0.0.1", 0, gcs, threaded=True, request_handler=MotoRequestHandler)
