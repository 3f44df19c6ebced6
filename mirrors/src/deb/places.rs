//! Places in a repository of ours: of packages, of the key, of the list of suites.

use super::paths::Upload;
use larder_model::Problem;

const MAX_PATH_BYTES: usize = 1024;
/// The key that signs what is made here.
pub(super) const KEY: &str = "key.asc";
/// The suites of a hosted repository, one in each line.
pub(super) const SUITES: &str = "suites.txt";

/// The suite and the component of what is in no others.
pub(super) const SUITE: &str = "stable";
pub(super) const COMPONENT: &str = "main";

/// Where a package is published: `pool/<suite>/<component>/<file>`. The files of a source package are
/// sent there, too, and are then in a folder of their own, which lists name:
/// `pool/<suite>/<component>/<name>_<version>/<file>`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct PoolPlace<'a> {
    pub(super) suite: &'a str,
    pub(super) component: &'a str,
    pub(super) file: &'a str,
    pub(super) upload: Upload,
}

impl<'a> PoolPlace<'a> {
    /// Reads a path; fails unless a package can be published there.
    pub(super) fn read(path: &'a str) -> Result<Self, Problem> {
        let place = Self::parts(path, false)?;
        place.ok_or_else(wrong)
    }

    /// Reads the path of a file that is published.
    pub(super) fn of_published(path: &'a str) -> Result<Self, Problem> {
        let place = match Self::parts(path, false)? {
            Some(place) => Some(place),
            None => Self::parts(path, true)?,
        };
        place.ok_or_else(wrong)
    }

    /// The parts of a path, with the folder of a source package in it or without; `None`: it has more
    /// or fewer.
    fn parts(path: &'a str, in_folder: bool) -> Result<Option<Self>, Problem> {
        let mut parts = path.split('/');
        let (Some("pool"), Some(suite), Some(component), Some(file)) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(wrong());
        };
        let folder = in_folder.then_some(file);
        let file = match folder {
            Some(_) => parts.next(),
            None => Some(file),
        };
        let (Some(file), None) = (file, parts.next()) else {
            return Ok(None);
        };
        let fits = [Some(suite), Some(component), folder];
        let fits = fits.into_iter().flatten().all(is_word) && path.len() <= MAX_PATH_BYTES;
        let upload = Upload::of(file).filter(|upload| {
            let is_source = matches!(upload, Upload::Description | Upload::Part);
            fits && (folder.is_none() || is_source)
        });
        let place = |upload| Self {
            suite,
            component,
            file,
            upload,
        };
        upload.map(place).map(Some).ok_or_else(wrong)
    }

    /// The folder of a source package whose description has this name.
    pub(super) fn folder(&self, description: &str) -> String {
        let stem = description.strip_suffix(".dsc").unwrap_or(description);
        format!("pool/{}/{}/{stem}/", self.suite, self.component)
    }
}

fn wrong() -> Problem {
    let detail = "a package is published at pool/SUITE/COMPONENT/NAME_VERSION_ARCH.deb, e.g. \
        pool/stable/main/hello_2.10-3_amd64.deb, and a source package as its .dsc and the files that \
        this names, e.g. pool/stable/main/hello_2.10-3.dsc; what tells of them is made here";
    Problem::invalid("path", detail)
}

fn is_word(word: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".+~_-".contains(&byte);
    let begins = |byte: u8| byte.is_ascii_alphanumeric();
    word.bytes().all(plain) && word.bytes().next().is_some_and(begins)
}
