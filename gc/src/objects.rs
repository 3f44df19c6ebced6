//! The last step: objects whose row is gone.

use crate::context::{Acted, PAGE, Run, all};
use futures_util::future::BoxFuture;
use larder_jobs::WorkError;
use larder_metadata::collection::GoneObject;
use larder_model::Problem;
use larder_storage::ObjectKey;

impl Run<'_> {
    /// Removes objects that no row names, nor ever will; none while a backup holds them, which may
    /// be of a state that names them.
    pub(crate) async fn objects(&mut self) -> Result<(), WorkError> {
        if self.dry {
            return Ok(());
        }
        let mut after: Option<GoneObject> = None;
        let (mut done, mut held) = (0, 0);
        while !self.is_cancelled() {
            let page = self.metadata.gone_objects(after.as_ref(), PAGE).await?;
            let Some(last) = page.last() else { break };
            after = Some(*last);
            // Asked when the page is read: a backup that begins later is of a state without these.
            if self.metadata.are_objects_held().await? {
                held = page.len() as u64;
                break;
            }
            done += page.len() as u64;
            self.remove_objects(&page).await?;
            self.progress("objects", done);
        }
        self.outcome.hold(held);
        Ok(())
    }

    async fn remove_objects(&mut self, page: &[GoneObject]) -> Result<(), WorkError> {
        let (metadata, blobs, job) = (self.metadata, self.blobs, self.job);
        let mut acts: Vec<BoxFuture<'_, _>> = Vec::with_capacity(page.len());
        for object in page {
            acts.push(Box::pin(async move {
                // Another server that has the job by now removes it, and counts it.
                if !job.is_held() {
                    return Err(WorkError::Lost);
                }
                let GoneObject {
                    digest, generation, ..
                } = *object;
                // One that is not there was removed by a run that ended before it could note it.
                if let Err(error) = blobs.remove(ObjectKey { digest, generation }).await {
                    return Ok(Err(Problem::from(error)));
                }
                let noted = metadata.object_removed(job.held(), object).await;
                Acted::of(noted).map(Ok)
            }));
        }
        let (mut stuck, mut why) = (0, None);
        for (object, acted) in page.iter().zip(all(&self.way, acts).await?) {
            match acted {
                Ok(Acted::Done) => self.outcome.free(object.size),
                Ok(_) => {}
                Err(problem) => {
                    let (digest, problem) = (object.digest, why.insert(problem).with_causes());
                    tracing::warn!(problem, %digest, "an object cannot be removed; the next run tries again");
                    stuck += 1;
                }
            }
        }
        let Some(problem) = why else { return Ok(()) };
        // Where nothing can be removed the store is away; one object is in nobody's way.
        if stuck == PAGE {
            return Err(problem.into());
        }
        self.stuck.get_or_insert(problem);
        Ok(())
    }
}
