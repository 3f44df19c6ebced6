//! A package: what is in the file that is published.

use super::control::{Control, bad};
use crate::archive::ar::{ArMember, members};
use crate::archive::tar::{Kind, Tar};
use crate::archive::window::Window;
use crate::archive::{Fault, Limits};
use crate::publishing::{Body, PublishLimits};
use crate::unpack::unpack_from;
use larder_model::{Algorithm, Digest, Hasher, Limit, Problem};
use std::io::{BufReader, SeekFrom};

const NAME: &str = "the package";
const BUFFER_BYTES: usize = 64 << 10;
/// Beside the control file there are scripts, and digests of all files.
const CONTROL_ENTRIES: u64 = 1000;
const CONTROL_BYTES: Limit = Limit::fixed(256 << 20);
const ENTRIES: u64 = 1_000_000;
const PATH_BYTES: usize = 4096;
/// Files full of the same are packed to little.
const RATIO: u64 = 1000;
/// Of more files than have paths of so many bytes together no list is made.
pub(super) const MAX_CONTENTS_BYTES: usize = 32 << 20;

/// A package.
pub(super) struct Package {
    pub(super) control: Control,
    /// The paths of its files, one in each line.
    pub(super) contents: String,
    /// The digest of the whole file.
    pub(super) digest: Digest,
    pub(super) size: u64,
}

impl Package {
    /// Reads a whole package, and each of its files' names.
    pub(super) fn read(body: &mut dyn Body, limits: &PublishLimits) -> Result<Self, Problem> {
        let parts = Parts::read(body)?;
        let control = parts.control(body, limits.metadata)?;
        let contents = parts.contents(body, limits.unpacked)?;
        let mut whole = Hasher::new(Algorithm::Sha256);
        Window::new(body, 0, parts.size)
            .each(|piece| whole.update(piece))
            .map_err(Problem::internal)?;
        Ok(Self {
            control,
            contents,
            digest: whole.finish(),
            size: parts.size,
        })
    }

    /// Reads what the package is, and nothing more.
    pub(super) fn control(body: &mut dyn Body, limit: Limit) -> Result<Control, Problem> {
        Parts::read(body)?.control(body, limit)
    }
}

/// Where the parts of a package are.
struct Parts {
    size: u64,
    control: ArMember,
    data: ArMember,
}

impl Parts {
    /// Finds the parts: what dpkg reads, in its order, and nothing else.
    fn read(body: &mut dyn Body) -> Result<Self, Problem> {
        let size = body.seek(SeekFrom::End(0)).map_err(Problem::internal)?;
        let mut file = Window::new(body, 0, size);
        let all = members(&mut file).map_err(|fault| fault.problem("package", NAME))?;
        // Members whose names begin so are signatures and the like, which dpkg passes over.
        let mut all = all.into_iter().filter(|it| !it.name.starts_with('_'));
        let (first, control, data) = (all.next(), all.next(), all.next());
        let (Some(first), Some(control), Some(data), None) = (first, control, data, all.next())
        else {
            return Err(bad(
                "it is no package: it has not debian-binary, a control.tar and a data.tar alone",
            ));
        };
        let format = file
            .bytes(first.offset, first.size.min(16))
            .map_err(Problem::internal)?;
        if first.name != "debian-binary" || !format.starts_with(b"2.") {
            return Err(bad("it is no package of format 2.0"));
        }
        if !control.name.starts_with("control.tar") || !data.name.starts_with("data.tar") {
            return Err(bad(
                "its members are not control.tar and data.tar, in this order",
            ));
        }
        Ok(Self {
            size,
            control,
            data,
        })
    }

    fn control(&self, body: &mut dyn Body, limit: Limit) -> Result<Control, Problem> {
        let limits = Limits {
            entries: CONTROL_ENTRIES,
            path_bytes: PATH_BYTES,
            unpacked: CONTROL_BYTES,
            ratio: RATIO,
        };
        let text = tar(body, &self.control, &limits, |tar| {
            let mut found = None;
            while let Some(entry) = tar.next()? {
                if entry.path != "control" {
                    continue;
                }
                if entry.kind != Kind::File || found.is_some() {
                    return Err(Fault::refused(
                        "has a control file that is no file, or twice",
                    ));
                }
                found = Some(tar.contents(&entry, limit)?);
            }
            found.ok_or_else(|| Fault::refused("has no control file"))
        })?;
        Control::read(&text)
    }

    fn contents(&self, body: &mut dyn Body, unpacked: Limit) -> Result<String, Problem> {
        let limits = Limits {
            entries: ENTRIES,
            path_bytes: PATH_BYTES,
            unpacked,
            ratio: RATIO,
        };
        tar(body, &self.data, &limits, |tar| {
            let mut paths = String::new();
            while let Some(entry) = tar.next()? {
                let is_listed = entry.kind != Kind::Folder && !entry.path.contains('\n');
                if is_listed && paths.len() <= MAX_CONTENTS_BYTES {
                    paths.push_str(&entry.path);
                    paths.push('\n');
                }
            }
            Ok(paths)
        })
    }
}

/// Reads a member that is a tar archive, packed or not.
fn tar<T>(
    body: &mut dyn Body,
    member: &ArMember,
    limits: &Limits,
    read: impl FnOnce(&mut Tar<'_, Box<dyn std::io::BufRead + '_>>) -> Result<T, Fault>,
) -> Result<T, Problem> {
    let mut file = Window::new(body, member.offset, member.size);
    let stream = file.stream(0, member.size).map_err(Problem::internal)?;
    let packed = BufReader::with_capacity(BUFFER_BYTES, stream);
    let done = unpack_from(Box::new(packed))
        .map_err(Fault::Io)
        .and_then(|from| {
            let mut tar = Tar::new(from, limits, member.size);
            read(&mut tar)
        });
    done.map_err(|fault| fault.problem("package", NAME))
}
