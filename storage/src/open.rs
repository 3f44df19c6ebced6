//! Opening a store from plain arguments.

use crate::{BlobStore, Error};
use object_store::ClientOptions;
use object_store::aws::AmazonS3Builder;
use object_store::prefix::PrefixStore;
use std::path::Path;

/// How to reach an S3 bucket. What is not set is taken from the builder's defaults.
#[derive(Clone, Default)]
pub struct S3 {
    /// Bucket name.
    pub bucket: String,
    /// Keys begin with this, if set.
    pub prefix: Option<String>,
    /// Region; `us-east-1` if none.
    pub region: Option<String>,
    /// Address of the service, for anything but AWS.
    pub endpoint: Option<String>,
    /// Access key.
    pub access_key_id: Option<String>,
    /// Secret key.
    pub secret_access_key: Option<String>,
    /// Whether an `http://` endpoint is accepted.
    pub allow_http: bool,
    /// Whether the bucket stands in the path and not in the host name.
    pub path_style: bool,
}

impl BlobStore {
    /// A store in an S3 bucket; uploads gather in the local folder `staging`.
    pub fn s3(settings: &S3, staging: &Path) -> Result<Self, Error> {
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(&settings.bucket)
            .with_region(settings.region.as_deref().unwrap_or("us-east-1"))
            .with_virtual_hosted_style_request(!settings.path_style)
            .with_client_options(ClientOptions::new().with_allow_http(settings.allow_http));
        if let Some(endpoint) = &settings.endpoint {
            builder = builder.with_endpoint(endpoint);
        }
        if let (Some(id), Some(secret)) = (&settings.access_key_id, &settings.secret_access_key) {
            builder = builder
                .with_access_key_id(id)
                .with_secret_access_key(secret);
        }
        let store = builder.build()?;
        let place = settings.endpoint.as_deref().unwrap_or("its provider");
        let bucket = format!("the bucket {} at {place}", settings.bucket);
        match &settings.prefix {
            Some(prefix) => Self::remote(PrefixStore::new(store, prefix.as_str()), bucket, staging),
            None => Self::remote(store, bucket, staging),
        }
    }

    /// A store in memory, for tests; uploads gather in the local folder `staging`.
    pub fn memory(staging: &Path) -> Result<Self, Error> {
        let store = object_store::memory::InMemory::new();
        Self::remote(store, "the memory".to_owned(), staging)
    }
}
