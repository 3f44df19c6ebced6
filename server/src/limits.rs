//! The limits that the settings have, as the doors take them: each with the name of its setting,
//! which whoever meets it is told.

use larder_access::Rate;
use larder_config::Config;
use larder_mirrors::publishing::PublishLimits;
use larder_model::{BodyLimit, Limit};
use larder_registry::Limits;
use larder_web::ApiLimits;

/// What pushes of images may be at most.
pub(crate) fn registry(config: &Config) -> Limits {
    let limits = &config.server.limits;
    Limits {
        manifest: Limit::set(limits.manifest_size, "server.limits.manifest_size"),
        blob: Limit::set_unless_zero(limits.blob_size, "server.limits.blob_size"),
        upload_idle: limits.upload_idle_time,
        lease: config.gc.lease,
    }
}

/// What publications may be at most.
pub(crate) fn publish(config: &Config) -> PublishLimits {
    let limits = &config.server.limits;
    PublishLimits {
        file: Limit::set(limits.package_size, "server.limits.package_size"),
        unpacked: Limit::set(
            limits.package_unpacked_size,
            "server.limits.package_unpacked_size",
        ),
        metadata: Limit::set(
            limits.package_metadata_size,
            "server.limits.package_metadata_size",
        ),
        document: Limit::set(
            limits.package_document_size,
            "server.limits.package_document_size",
        ),
    }
}

/// What a push to a git repository may be at most.
pub(crate) fn push(config: &Config) -> BodyLimit {
    let told = publish(config).file;
    BodyLimit {
        max_bytes: told.bytes,
        told,
    }
}

/// What one document of an upstream may be at most.
pub(crate) fn document(config: &Config) -> Limit {
    Limit::set(config.cache.document_size, "cache.document_size")
}

/// What one file of an upstream may be at most.
pub(crate) fn artifact(config: &Config) -> Limit {
    Limit::set_unless_zero(config.cache.artifact_size, "cache.artifact_size")
}

/// What calls of the API may be at most.
pub(crate) fn api(config: &Config) -> ApiLimits {
    let limits = &config.server.limits;
    ApiLimits {
        json: Limit::set(limits.json_size, "server.limits.json_size"),
        rate: Rate {
            per_second: limits.api_requests_per_second,
            burst: limits.api_burst,
        },
    }
}

#[cfg(test)]
mod tests;
