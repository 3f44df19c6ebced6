//! The lines that connect a client, with a token and the name of something in them, and as one
//! script.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use larder_api::ConnectPart;

/// What stands for the token, and for the token as a password of Basic.
const TOKEN: [&str; 2] = ["${TOKEN}", "$TOKEN"];
const BASIC: &str = "$BASIC";
/// What stands for an image.
pub(crate) const IMAGE: &str = "IMAGE:TAG";

/// One thing to do: lines of a file, or commands.
pub(crate) struct Step {
    pub(crate) file: Option<String>,
    pub(crate) text: String,
    pub(crate) note: Option<String>,
}

/// Something that is in the repository: a package and a version.
type Sample = (String, String);

/// What is to be done by hand.
pub(crate) fn steps(
    parts: &[ConnectPart],
    secret: Option<&str>,
    sample: Option<&Sample>,
) -> Vec<Step> {
    let wants_basic = has_basic(parts);
    let parts = parts
        .iter()
        // With the token at hand nobody has to compute it.
        .filter(|part| secret.is_none() || !wants_basic || !is_computation(part));
    let step = |part: &ConnectPart| Step {
        file: part.file.clone(),
        text: fill(&part.lines.join("\n"), secret, sample),
        note: part.note.as_deref().and_then(|note| note_of(note, secret)),
    };
    parts.map(step).collect()
}

fn has_basic(parts: &[ConnectPart]) -> bool {
    let mut lines = parts.iter().flat_map(|part| &part.lines);
    lines.any(|line| line.contains(BASIC))
}

/// Whether it only tells how the password of Basic is made of the token.
fn is_computation(part: &ConnectPart) -> bool {
    part.file.is_none() && part.lines.iter().all(|line| line.contains("base64"))
}

fn fill(text: &str, secret: Option<&str>, sample: Option<&Sample>) -> String {
    let mut text = text.to_owned();
    if let Some((package, version)) = sample {
        text = text.replace(IMAGE, &format!("{package}:{version}"));
    }
    let Some(secret) = secret else { return text };
    for placeholder in TOKEN {
        text = text.replace(placeholder, secret);
    }
    text.replace(BASIC, &BASE64_STANDARD.encode(format!("token:{secret}")))
}

/// What is still to be known once the token stands in the lines.
fn note_of(note: &str, secret: Option<&str>) -> Option<String> {
    if secret.is_none() {
        return Some(note.to_owned());
    }
    let about_token = |piece: &&str| {
        let words = ["$TOKEN", "token create", "--with-token"];
        words.iter().any(|word| piece.contains(word))
    };
    let pieces: Vec<&str> = note
        .split("; ")
        .filter(|piece| !about_token(piece))
        .collect();
    Some(pieces.join("; ")).filter(|note| !note.is_empty())
}

/// All of it as commands of a shell that has the token in its variable `TOKEN`.
pub(crate) fn script(parts: &[ConnectPart], sample: Option<&Sample>) -> String {
    let mut lines = Vec::new();
    let wants_basic = has_basic(parts);
    if wants_basic {
        lines.push("BASIC=$(printf 'token:%s' \"$TOKEN\" | base64 -w0)".to_owned());
    }
    for part in parts {
        if wants_basic && is_computation(part) {
            continue;
        }
        let Some(file) = &part.file else {
            lines.extend(part.lines.iter().cloned());
            continue;
        };
        if let Some((folder, _)) = file.rsplit_once('/').filter(|(folder, _)| *folder != "~") {
            lines.push(format!("mkdir -p {folder}"));
        }
        lines.push(format!("cat >> {file} <<END"));
        lines.extend(part.lines.iter().cloned());
        lines.push("END".to_owned());
    }
    fill(&lines.join("\n"), None, sample)
}

#[cfg(test)]
mod tests;
