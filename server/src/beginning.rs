//! A first start makes mirrors of what this machine uses, and its first administrator, beside the
//! first answers: package managers take their time to tell what they use. Whoever asks for what is
//! being made waits for it.

use crate::system::System;
use crate::{first_mirrors, first_start};
use http::header::AUTHORIZATION;
use http::request::Parts;
use larder_access::Gate;
use larder_config::Config;
use larder_discover::Machine;
use larder_metadata::Metadata;
use larder_model::Problem;
use tokio::sync::SetOnce;

/// Whether what a first start makes is there.
#[derive(Default)]
pub(crate) struct Beginning(SetOnce<()>);

impl Beginning {
    /// Makes it, if this is a first start.
    pub(crate) async fn make(
        &self,
        (metadata, gate): (&Metadata, &Gate),
        config: &Config,
        password: Option<String>,
        machine: Machine,
    ) -> Result<(), Problem> {
        if !metadata.has_users().await? {
            let weak = |text| Problem::invalid("password", text);
            first_start::require_strong(password.as_deref()).map_err(weak)?;
            let machine = Some(machine).filter(|_| config.cache.discover);
            // They come before the first user: a start that was cut off is a first one again.
            first_mirrors::first_mirrors(metadata, gate, machine).await?;
            first_start::first_admin(metadata, gate, &config.data, password).await?;
        }
        self.0.set(()).map_err(Problem::internal)
    }

    /// Whether all of it is there, as nearly always.
    pub(crate) fn is_over(&self) -> bool {
        self.0.initialized()
    }

    /// Has a request wait, unless it is for what is there from the start. Whoever shows credentials
    /// waits for the first administrator, whatever is asked for: refused, they would count as a failed
    /// login, and a few of these lock the name.
    pub(crate) async fn stand_before(&self, request: &Parts) {
        let path = request.uri.path();
        let is_there = System::has(path) || path == "/v2/";
        if !is_there || request.headers.contains_key(AUTHORIZATION) {
            self.0.wait().await;
        }
    }
}

#[cfg(test)]
mod tests;
