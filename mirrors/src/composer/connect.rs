//! Configuration of Composer.

use crate::connect::{Client, INSTEAD, Part, TOKEN, Target, authority, authority_file, shell};

/// The clients of this protocol.
pub(super) const CLIENTS: &[Client] = &[Client::new(
    "composer",
    "composer show --all $PACKAGE",
    composer,
)];

/// The commands of a person, whose configuration stands in one of two folders.
fn composer(target: &Target<'_>) -> Vec<Part> {
    let (base, host) = (target.base(), target.host());
    let set = "composer config --global";
    let mut lines = vec![format!(
        "{set} repositories.{} composer {base}",
        target.key()
    )];
    if !target.is_beside() {
        lines.push(format!("{set} repositories.packagist false"));
    }
    if target.is_plain() {
        lines.push(format!("{set} secure-http false"));
    }
    let mut parts = Vec::new();
    let file = authority_file("composer");
    if let Some(certificate) = authority(target, &file) {
        parts.push(certificate.with_note(INSTEAD));
        lines.push(format!("{set} cafile {file}"));
    }
    if !target.is_public() {
        lines.push(format!("{set} --auth http-basic.{host} token $TOKEN"));
    }
    let mut commands = shell(lines).for_private(target, "composer", TOKEN);
    if !target.is_mirror() {
        commands = commands.with_note(format!(
            "to publish a zip file with a composer.json: \
             curl --user token:$TOKEN --upload-file PACKAGE.zip '{base}upload?version=1.2.3'"
        ));
    }
    parts.push(commands);
    parts
}
