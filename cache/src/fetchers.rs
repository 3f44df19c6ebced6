//! How documents and artifacts are had, together.

use crate::artifact::{Artifacts, ListLeads, Plans, SetMembers};
use crate::document::Documents;
use crate::log::LogReader;
use crate::responder::Responder;
use crate::tables::Tables;
use crate::views::Views;
use larder_metadata::Metadata;
use std::sync::Arc;

/// How documents and artifacts are had.
pub(crate) struct Fetchers {
    pub(crate) documents: Arc<Documents>,
    pub(crate) tables: Arc<Tables>,
    pub(crate) logs: Arc<LogReader>,
    pub(crate) leads: Arc<ListLeads>,
    pub(crate) plans: Arc<Plans>,
    pub(crate) artifacts: Arc<Artifacts>,
}

impl Fetchers {
    /// Members of sets.
    pub(crate) fn members(&self, metadata: &Metadata) -> SetMembers {
        SetMembers::new(
            metadata.clone(),
            Arc::clone(&self.documents),
            Arc::clone(&self.tables),
            Arc::clone(&self.artifacts),
        )
    }

    /// The past of mirrors.
    pub(crate) fn views(&self, metadata: &Metadata, responder: &Arc<Responder>) -> Views {
        Views::new(
            metadata.clone(),
            (
                Arc::clone(&self.documents),
                Arc::clone(&self.tables),
                Arc::clone(&self.plans),
            ),
            (Arc::clone(&self.artifacts), Arc::clone(responder)),
        )
    }
}
