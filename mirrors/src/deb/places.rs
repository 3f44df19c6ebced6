//! Places in a repository of ours: of packages, of the key, of the list of suites.

use super::paths;
use larder_model::Problem;

const MAX_PATH_BYTES: usize = 1024;
/// The key that signs what is made here.
pub(super) const KEY: &str = "key.asc";
/// The suites of a hosted repository, one in each line.
pub(super) const SUITES: &str = "suites.txt";

/// Where a package is published: `pool/<suite>/<component>/<file>`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct PoolPlace<'a> {
    pub(super) suite: &'a str,
    pub(super) component: &'a str,
    pub(super) file: &'a str,
}

impl<'a> PoolPlace<'a> {
    /// Reads a path; fails unless a package can be published there.
    pub(super) fn read(path: &'a str) -> Result<Self, Problem> {
        let wrong = || {
            let detail = "a package is published at pool/SUITE/COMPONENT/NAME_VERSION_ARCH.deb, e.g. \
                pool/stable/main/hello_2.10-3_amd64.deb; what tells of it is made here";
            Problem::invalid("path", detail)
        };
        let mut parts = path.split('/');
        let (Some("pool"), Some(suite), Some(component), Some(file), None) = (
            parts.next(),
            parts.next(),
            parts.next(),
            parts.next(),
            parts.next(),
        ) else {
            return Err(wrong());
        };
        let is_word = |word: &str| {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".+~_-".contains(&byte);
            word.bytes().all(plain)
                && word
                    .bytes()
                    .next()
                    .is_some_and(|it| it.is_ascii_alphanumeric())
        };
        let fits = is_word(suite) && is_word(component) && path.len() <= MAX_PATH_BYTES;
        if !fits || !(paths::is_upload(file) || paths::is_beside_uploads(file)) {
            return Err(wrong());
        }
        Ok(Self {
            suite,
            component,
            file,
        })
    }
}
