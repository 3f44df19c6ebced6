//! What failed is left alone for a while.

use super::breaker::Trial;
use super::failure::Failure;
use super::remote::Upstream;
use super::request::FetchRequest;
use larder_model::Problem;
use std::sync::Arc;
use url::Url;

impl Upstream {
    /// Counts a request that failed, and tells of it.
    pub(super) fn count(self: &Arc<Self>, failure: Failure, file: &str) -> Problem {
        let consequence = self.origins.failed(&failure);
        if consequence.is_suspect {
            self.order(&failure.url, Trial::Now);
        }
        self.failed(failure, consequence.left, file)
    }

    /// Fails at once while an address is left alone.
    pub(super) fn require_open(
        self: &Arc<Self>,
        url: &Url,
        request: &FetchRequest<'_>,
    ) -> Result<(), Problem> {
        self.origins.admit(url).map_err(|wait| {
            if let Some(trial) = wait.trial {
                self.order(url, trial);
            }
            self.paused(url, wait.fault, wait.left, &self.file_of(request.url))
        })
    }
}
