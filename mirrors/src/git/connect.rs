//! Configuration of git, which cargo, go, npm, pip and Composer use for what they take from repositories.

use crate::connect::{Client, Part, TOKEN, Target, authority, authority_file, part, shell};

/// The clients of this protocol.
pub(super) const CLIENTS: &[Client] = &[Client::new("git", "", git)];

const REWRITTEN: &str = "whatever names the upstream's address comes through this server, \
     dependencies of cargo, go, npm, pip and Composer too (cargo with net.git-fetch-with-cli)";

fn git(target: &Target<'_>) -> Vec<Part> {
    let base = target.base();
    let mut lines = Vec::new();
    if let Some(upstream) = target.upstream.filter(|_| target.is_mirror()) {
        let upstream = upstream.trim_end_matches('/');
        lines.push(format!("[url \"{base}\"]"));
        lines.push(format!("\tinsteadOf = {upstream}/"));
    }
    let mut parts: Vec<Part> = Vec::new();
    if let Some(certificate) = authority(target, &authority_file("git")) {
        parts.push(certificate);
        lines.push(format!("[http \"{}/\"]", target.origin));
        lines.push(format!("\tsslCAInfo = {}", authority_file("git")));
    }
    if !target.is_public() {
        // Credentials that are shown to no other server.
        lines.push(format!("[credential \"{}\"]", target.origin));
        lines.push("\tusername = token".to_owned());
        lines.push("\thelper = store".to_owned());
    }
    if !lines.is_empty() {
        let file = part("~/.gitconfig", lines);
        parts.push(if target.is_mirror() && target.upstream.is_some() {
            file.with_note(REWRITTEN)
        } else {
            file
        });
    }
    if !target.is_public() {
        let with_token = target.origin.replacen("://", "://token:$TOKEN@", 1);
        parts.push(part("~/.git-credentials", [with_token]).with_note(TOKEN));
    }
    let address = match target.upstream.filter(|_| target.is_mirror()) {
        Some(upstream) => format!("{}/", upstream.trim_end_matches('/')),
        None => base,
    };
    let command = shell([format!("git ls-remote {address}NAME")]);
    parts.push(command.for_private(target, "git", TOKEN));
    parts
}
