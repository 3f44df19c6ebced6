//! Configuration of the go command.

use crate::connect::{
    Client, INSTEAD, Part, TOKEN, Target, authority, authority_file, part, shell,
};

/// The clients of this protocol.
pub(super) const CLIENTS: &[Client] = &[Client::new("go", "go list -m -versions $PACKAGE", go)];

const BESIDE: &str = "it stands beside the public proxy: write that after a comma; GONOSUMDB=PATTERN \
     names modules that no public checksum database knows, as those published here";
const PUBLISHED: &str = "modules published here are in no public checksum database: \
     go env -w GONOSUMDB=PATTERN, e.g. corp.example/*";
const NO_TLS: &str = "go sends no credentials without TLS: give the server a certificate";

fn go(target: &Target<'_>) -> Vec<Part> {
    let mut parts = Vec::new();
    if let Some(certificate) = authority(target, &authority_file("go")) {
        parts.push(certificate.with_note(INSTEAD));
        parts.push(shell([format!(
            "export SSL_CERT_FILE={}",
            authority_file("go")
        )]));
    }
    // The file of `go env -w`, which its variables of the environment go before.
    let address = target.base_with_token();
    let address = address.trim_end_matches('/');
    let mut file = part("~/.config/go/env", [format!("GOPROXY={address}")]);
    if target.is_beside() {
        file = file.with_note(BESIDE);
    } else if !target.is_mirror() {
        file = file.with_note(PUBLISHED);
    }
    if !target.is_public() && target.is_plain() {
        file = file.with_note(NO_TLS);
    }
    parts.push(file.for_private(target, "go", TOKEN));
    parts
}
