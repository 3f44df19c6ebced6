//! What the files of a version contain, whatever holds it.

use super::info;
use super::mod_file::module_path;
use super::module_zip::{MAX_ZIP, ModuleZip};
use super::sums;
use crate::archive::Fault;
use crate::archive::window::Window;
use larder_model::{Body, Contents, ContentsReader, Kind, Problem};
use std::io::{Read, SeekFrom};
use std::sync::Arc;

/// A longer `go.mod` is none, and neither is a longer `.info`.
const MAX_TEXT_BYTES: u64 = 16 << 20;

/// Reads the zip file of a version, by all rules of its clients.
#[derive(Debug)]
struct ZipReader {
    module: Box<str>,
    version: Box<str>,
}

/// Reads a `go.mod`.
#[derive(Debug)]
struct ModReader {
    /// Nothing tells its sum: it must look like one.
    must_look: bool,
}

/// Reads what tells of a version.
#[derive(Debug)]
struct InfoReader {
    version: Box<str>,
}

/// The contents of a version's zip file.
pub(super) fn of_zip(module: &str, version: &str, sum: Option<&str>) -> Contents {
    let (module, version) = (module.into(), version.into());
    contents(ZipReader { module, version }, sum)
}

/// The contents of a version's `go.mod`.
pub(super) fn of_mod(sum: Option<&str>) -> Contents {
    let must_look = sum.is_none();
    contents(ModReader { must_look }, sum)
}

/// The contents of what tells of a version, of which nothing is known.
pub(super) fn of_info(version: &str) -> Contents {
    let version = version.into();
    contents(InfoReader { version }, None)
}

fn contents(reader: impl ContentsReader + 'static, sum: Option<&str>) -> Contents {
    Contents {
        reader: Arc::new(reader),
        sum: sum.map(Into::into),
    }
}

impl ContentsReader for ZipReader {
    fn sum(&self, file: &mut dyn Body) -> Result<String, Problem> {
        let size = file.seek(SeekFrom::End(0)).map_err(Problem::internal)?;
        let mut window = Window::new(file, 0, size);
        let sum = ModuleZip::read(&mut window, (&self.module, &self.version), MAX_ZIP)
            .and_then(|zip| zip.sum(&mut window));
        sum.map_err(|fault| unusable(fault, "the upstream's zip file"))
    }
}

/// A file that no client takes is not the one that was promised.
fn unusable(fault: Fault, name: &str) -> Problem {
    let problem = fault.problem("artifact", name);
    match problem.kind {
        Kind::Invalid | Kind::TooLarge => Problem {
            kind: Kind::DigestMismatch,
            ..problem
        },
        _ => problem,
    }
}

impl ContentsReader for ModReader {
    fn sum(&self, file: &mut dyn Body) -> Result<String, Problem> {
        let body = text(file)?;
        if self.must_look && module_path(&body).is_none() {
            return Err(other("a go.mod"));
        }
        Ok(sums::of_go_mod(&body))
    }
}

impl ContentsReader for InfoReader {
    /// What it says beside the version may change, so it has no sum.
    fn sum(&self, file: &mut dyn Body) -> Result<String, Problem> {
        match info::version_of(&text(file)?) {
            Ok(version) if *version == *self.version => Ok(String::new()),
            _ => Err(other("what tells of this version")),
        }
    }
}

fn text(file: &mut dyn Body) -> Result<Vec<u8>, Problem> {
    let mut body = Vec::new();
    let mut limited = Read::take(file, MAX_TEXT_BYTES + 1);
    limited.read_to_end(&mut body).map_err(Problem::internal)?;
    if body.len() as u64 > MAX_TEXT_BYTES {
        return Err(other("a file of a size that clients take"));
    }
    Ok(body)
}

fn other(what: &str) -> Problem {
    let detail = format!("the upstream did not send {what}");
    Problem::new(Kind::DigestMismatch, "artifact", detail)
}
