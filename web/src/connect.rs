//! What clients must be told so that they ask a repository here.

use crate::Api;
use crate::endpoint::RepoPath;
use crate::page::List;
use crate::reply::ok;
use larder_access::Admission;
use larder_mirrors::clients::connect;
use larder_mirrors::connect::Target;
use larder_model::{Problem, Reply, RepoKind, Verb};

impl Api {
    /// The lines for a client that sees this server at `origin`.
    pub(crate) fn connect(
        &self,
        admission: &Admission,
        client: &str,
        path: &RepoPath,
        origin: &str,
    ) -> Result<Reply, Problem> {
        let permission = path.permission(Verb::Read);
        admission.require(&permission)?;
        let target = Target {
            origin,
            protocol: path.protocol,
            repo: path.name.as_str(),
            mirror: self.repo(path)?.kind == RepoKind::Mirror,
            public: self.gate.is_public(&[permission]),
        };
        ok(&List::whole(connect(client, &target)?))
    }
}
