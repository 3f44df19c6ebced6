//! Files that come by the API, for those who have no client of the protocol at hand.

use crate::packages::Packages;
use crate::problems::absent;
use crate::publish::publishing_of;
use larder_access::Admission;
use larder_door::Incoming;
use larder_metadata::repos::RepoRecord;
use larder_mirrors::publishing::FileUpload;
use larder_model::{Problem, Reply};
use std::sync::Arc;

impl Packages {
    /// Publishes a file that comes by the API, in a hosted repo or in a group's first hosted member.
    /// The caller's right to it is required here.
    pub async fn upload(
        &self,
        admission: &Admission,
        record: &Arc<RepoRecord>,
        upload: &FileUpload,
        body: &mut Incoming,
    ) -> Result<Reply, Problem> {
        let protocol = larder_mirrors::of(record.protocol).ok_or_else(absent)?;
        let own = self.0.repos.of(record, protocol)?;
        let hosted = self.0.groups.published_to(admission, &own)?;
        let request = publishing_of(&hosted)?.upload(upload)?;
        let admission = admission.asked_of(&own.record.name);
        let publisher = &self.0.publisher;
        let done = publisher.publish(&hosted, &admission, &request, Some(body));
        done.await?;
        Ok(request.action.reply())
    }
}
