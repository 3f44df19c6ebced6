//! The registry's door: which rights each request needs, and who answers it.

use crate::Registry;
use crate::endpoint::{self, Endpoint};
use crate::names::permission;
use crate::refuse;
use crate::reply::json_reply;
use http::HeaderValue;
use http::request::Parts;
use larder_access::Admission;
use larder_door::door::{Door, RefusalContext};
use larder_door::{Answer, ClientView, Incoming};
use larder_model::{Kind, Permission, Problem, Reply, Verb};

impl Door for Registry {
    type Endpoint = Endpoint;

    fn parse(&self, request: &Parts) -> Result<Endpoint, Problem> {
        endpoint::parse(request)
    }

    fn permissions(&self, endpoint: &Endpoint) -> Vec<Permission> {
        let (name, verb) = match endpoint {
            Endpoint::Ping
            | Endpoint::Token { .. }
            | Endpoint::Catalog(_)
            | Endpoint::Extensions => return Vec::new(),
            Endpoint::Tags(name, _) | Endpoint::GetManifest(name, _) => (name, Verb::Read),
            Endpoint::GetBlob(name, _) | Endpoint::Referrers(name, ..) => (name, Verb::Read),
            Endpoint::PutManifest(name, ..) | Endpoint::StartUpload(name, _) => (name, Verb::Write),
            Endpoint::Patch(name, _) | Endpoint::Finish(name, ..) => (name, Verb::Write),
            Endpoint::Status(name, _) | Endpoint::Cancel(name, _) => (name, Verb::Write),
            Endpoint::DeleteManifest(name, _) | Endpoint::DeleteBlob(name, ..) => {
                (name, Verb::Delete)
            }
        };
        vec![permission(name, verb)]
    }

    fn reference(&self, endpoint: &Endpoint) -> Option<Box<str>> {
        let text = match endpoint {
            Endpoint::GetManifest(_, reference)
            | Endpoint::PutManifest(_, reference, _)
            | Endpoint::DeleteManifest(_, reference) => reference.to_string(),
            Endpoint::GetBlob(_, digest)
            | Endpoint::DeleteBlob(_, digest, _)
            | Endpoint::Finish(_, _, digest)
            | Endpoint::Referrers(_, digest, _) => digest.to_string(),
            _ => return None,
        };
        Some(text.into())
    }

    async fn answer(
        &self,
        admission: Admission,
        endpoint: Endpoint,
        request: &Parts,
        client: &ClientView,
        body: &mut Incoming,
    ) -> Result<Answer, Problem> {
        body.limit(self.limits.blob);
        match endpoint {
            Endpoint::Ping => ping(&admission),
            Endpoint::Token { query } => {
                self.token(admission, query, (request, client), body).await
            }
            Endpoint::Catalog(page) => self.catalog(&admission, page).await,
            Endpoint::Extensions => Ok(json_reply(br#"{"extensions":[]}"#.to_vec()).into()),
            Endpoint::Tags(name, page) => self.tags(&admission, &name, page).await,
            Endpoint::GetManifest(name, reference) => {
                self.get_manifest(&admission, &name, &reference, request)
                    .await
            }
            Endpoint::PutManifest(name, reference, tags) => {
                self.put_manifest(&admission, &name, reference, tags, request, body)
                    .await
            }
            Endpoint::DeleteManifest(name, reference) => {
                self.delete_manifest(&admission, &name, &reference, request)
                    .await
            }
            Endpoint::GetBlob(name, digest) => {
                self.get_blob(&admission, &name, &digest, request).await
            }
            Endpoint::DeleteBlob(name, digest, forced) => {
                self.delete_blob(&admission, &name, &digest, forced).await
            }
            Endpoint::StartUpload(name, start) => {
                self.start_upload(&admission, &name, start, body).await
            }
            Endpoint::Patch(name, session) => {
                self.patch_upload(&admission, &name, &session, body).await
            }
            Endpoint::Finish(name, session, digest) => {
                self.close_upload(&admission, &name, &session, digest, body)
                    .await
            }
            Endpoint::Status(name, session) => {
                self.upload_status(&admission, &name, &session).await
            }
            Endpoint::Cancel(name, session) => {
                self.cancel_upload(&admission, &name, &session).await
            }
            Endpoint::Referrers(name, digest, filter) => {
                self.referrers(&admission, &name, &digest, filter).await
            }
        }
    }

    fn refuse(&self, problem: &Problem, context: &RefusalContext<'_>) -> Reply {
        refuse::refuse(problem, context)
    }

    fn gives_reasons(&self) -> bool {
        true
    }
}

/// Clients learn here that they can log in, so whoever has not is asked to; what anonymous callers
/// may do they still may.
fn ping(admission: &Admission) -> Result<Answer, Problem> {
    if admission.principal().user.is_none() && admission.principal().is_unlimited() {
        return Err(Problem::new(
            Kind::Unauthenticated,
            "login",
            "authentication required",
        ));
    }
    let reply = json_reply(b"{}".to_vec());
    Ok(reply
        .with(
            refuse::API_VERSION,
            HeaderValue::from_static("registry/2.0"),
        )
        .into())
}
