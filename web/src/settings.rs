//! Settings of the whole server.

use crate::Api;
use crate::fields::Fields;
use crate::reply::ok;
use larder_access::Admission;
use larder_model::{Problem, ProtocolName, Reply, RepoName};

impl Api {
    pub(crate) fn get_settings(&self) -> Result<Reply, Problem> {
        ok(&self.gate.policy().settings())
    }

    pub(crate) async fn change_settings(
        &self,
        admission: &Admission,
        body: &[u8],
    ) -> Result<Reply, Problem> {
        let mut fields = Fields::read(body)?;
        let offline = fields.flag("offline")?;
        let oci: Option<Fields> = fields.take("oci", "an object")?;
        fields.finish()?;
        self.gate.refresh().await?;
        let policy = self.gate.policy();
        let mut settings = policy.stored_settings();
        settings.offline = offline.unwrap_or(settings.offline);
        if let Some(mut oci) = oci {
            // An empty name takes the mirror back.
            let name = oci.text("default_mirror")?;
            oci.finish()?;
            if let Some(name) = name {
                settings.default_mirror = if name.is_empty() {
                    None
                } else {
                    Some(self.mirror_of_images(&name)?)
                };
            }
        }
        self.metadata.put_server_settings(settings).await?;
        self.gate.refresh().await?;
        tracing::info!(by = %admission.principal().label, offline = settings.offline, "settings changed");
        self.get_settings()
    }

    fn mirror_of_images(&self, name: &str) -> Result<i64, Problem> {
        let wrong = || {
            Problem::invalid(
                "default_mirror",
                "`default_mirror` is the name of a repository of images",
            )
        };
        let name: RepoName = name.parse().map_err(|_| wrong())?;
        self.gate
            .policy()
            .repo(ProtocolName::OCI, &name)
            .map(|repo| repo.id)
            .ok_or_else(wrong)
    }
}
