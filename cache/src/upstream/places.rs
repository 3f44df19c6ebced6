//! The addresses at which an upstream's content is: its own, or those of its mirrors.

use super::mirrors::State;
use super::remote::Upstream;
use larder_mirrors::{MirrorList, PromisedDocument};
use larder_model::{Digest, Kind, Problem};
use url::Url;

/// Mirrors that one request asks, one after the other.
const MAX_MIRRORS: usize = 8;

impl Upstream {
    /// The address of its list of mirrors, if it has one.
    pub(crate) fn mirror_list(&self) -> Option<&str> {
        self.mirror_list.as_deref()
    }

    /// Whether its mirrors are those of this list.
    pub(crate) fn knows_list(&self, digest: &Digest) -> bool {
        self.mirrors.state().read_from.as_ref() == Some(digest)
    }

    /// Its mirrors are those of this list from now on. As the operator named the list, what is in it is
    /// as good as named: it may have a private address where the upstream itself may.
    pub(crate) fn use_list(&self, digest: Digest, list: MirrorList) {
        let urls = list.addresses.iter();
        let order: Vec<Url> = urls.filter_map(|address| address.parse().ok()).collect();
        self.guard.list(order.iter().map(Url::origin).collect());
        tracing::debug!(
            repo = self.name,
            mirrors = order.len(),
            "mirrors are listed"
        );
        self.mirrors.change(|state| {
            *state = State {
                read_from: Some(digest),
                order,
                promised: list.promised.into(),
            };
        });
    }

    /// How many mirrors a request can be sent to, one after the other.
    pub(crate) fn mirrors(&self) -> usize {
        self.mirrors.state().order.len().clamp(1, MAX_MIRRORS)
    }

    /// What the list says that a document is.
    pub(crate) fn promised(&self, path: &str) -> Option<PromisedDocument> {
        let state = self.mirrors.state();
        let mut promised = state.promised.iter();
        promised.find(|it| *it.path == *path).cloned()
    }

    /// A mirror failed, or has other content than it should: it is asked after all others.
    pub(crate) fn ask_last(&self, mirror: &Url) {
        self.mirrors.change(|state| {
            if let Some(at) = state.order.iter().position(|it| it == mirror) {
                let failed = state.order.remove(at);
                state.order.push(failed);
            }
        });
    }

    /// Where a file is: each place with the mirror that it is on, if it is on one.
    pub(super) fn places(&self, url: &str) -> Result<Vec<(Url, Option<Url>)>, Problem> {
        let no_url = |_| {
            let detail = format!("the upstream of {} names what is no address", self.name);
            Problem::new(Kind::Upstream, "upstream", detail)
        };
        let own = self.base.join(url).map_err(no_url)?;
        let is_relative = url.parse::<Url>().is_err();
        if self.mirror_list.is_none() || !is_relative {
            return Ok(vec![(own, None)]);
        }
        let order = self.mirrors.state().order;
        let on = |mirror: Url| Some((mirror.join(url).ok()?, Some(mirror)));
        let places: Vec<_> = order.into_iter().filter_map(on).take(MAX_MIRRORS).collect();
        if places.is_empty() {
            let detail = format!("no mirror of the upstream of {} is known", self.name);
            return Err(Problem::new(Kind::Unreachable, "upstream", detail));
        }
        Ok(places)
    }
}
