//! Opening a store from plain arguments.

use crate::{BlobStore, Error};
use object_store::aws::AmazonS3Builder;
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::multipart::MultipartStore;
use object_store::prefix::PrefixStore;
use object_store::{ClientOptions, ObjectStore, RetryConfig};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// A store that sends nothing for so long is taken for gone,
const SILENCE: Duration = Duration::from_mins(1);
/// and one to which something is sent for so long: it is silent until it has all of a part. Four parts of
/// 8 MiB at once take no longer over 0.5 Mbit/s.
const SENDING: Duration = Duration::from_mins(10);

/// Whose protocol a bucket speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provider {
    /// Amazon S3, and what speaks its protocol.
    S3,
    /// Google Cloud Storage.
    Gcs,
    /// Azure Blob Storage, whose buckets are called containers.
    Azure,
}

/// How to reach a bucket. What is not set is taken from the provider's defaults.
#[derive(Clone)]
pub struct Bucket {
    /// Who has it.
    pub provider: Provider,
    /// Its name.
    pub name: String,
    /// Keys begin with this, if set.
    pub prefix: Option<String>,
    /// The region of S3; `us-east-1` if none.
    pub region: Option<String>,
    /// Address of the service, where it is not the provider's own.
    pub endpoint: Option<String>,
    /// The id of the access key of S3; the account of Azure.
    pub access_key_id: Option<String>,
    /// The access key of S3 or Azure; the key of a service account of GCS, as JSON. `None`: the
    /// identity of this machine.
    pub secret_access_key: Option<String>,
    /// Whether an `http://` endpoint is accepted.
    pub allow_http: bool,
    /// Whether S3 has the bucket in the path and not in the host name.
    pub path_style: bool,
}

impl BlobStore {
    /// A store in a bucket; uploads gather in the local folder `staging`.
    pub fn bucket(bucket: &Bucket, staging: &Path) -> Result<Self, Error> {
        let unusable = |error| bucket.unusable(error);
        match bucket.provider {
            Provider::S3 => Self::within(bucket, staging, |time| Ok(bucket.s3(time).build()?)),
            Provider::Gcs => Self::within(bucket, staging, |time| {
                bucket.gcs(time).build().map_err(unusable)
            }),
            Provider::Azure => Self::within(bucket, staging, |time| {
                bucket.azure(time).build().map_err(unusable)
            }),
        }
    }

    /// A store over a bucket, or over what in it begins with the prefix. `open`: the bucket, with so much
    /// patience.
    fn within<S: ObjectStore + MultipartStore>(
        bucket: &Bucket,
        staging: &Path,
        open: impl Fn(Duration) -> Result<S, Error>,
    ) -> Result<Self, Error> {
        let (place, read, sent) = (bucket.place(), open(SILENCE)?, open(SENDING)?);
        let Some(prefix) = bucket.prefix.as_deref() else {
            return Self::remote(Arc::new(read), Arc::new(sent), place, staging);
        };
        let below = |store| Arc::new(PrefixStore::new(store, prefix));
        Self::remote(below(read), below(sent), place, staging)
    }

    /// A store in memory, for tests; uploads gather in the local folder `staging`.
    pub fn memory(staging: &Path) -> Result<Self, Error> {
        let store = Arc::new(object_store::memory::InMemory::new());
        Self::remote(Arc::clone(&store), store, "the memory".to_owned(), staging)
    }
}

impl Bucket {
    fn s3(&self, time: Duration) -> AmazonS3Builder {
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(&self.name)
            .with_region(self.region.as_deref().unwrap_or("us-east-1"))
            .with_virtual_hosted_style_request(!self.path_style)
            .with_client_options(client(self.allow_http, time))
            .with_retry(patience(time));
        if let Some(endpoint) = &self.endpoint {
            builder = builder.with_endpoint(endpoint);
        }
        if let (Some(id), Some(secret)) = (&self.access_key_id, &self.secret_access_key) {
            builder = builder
                .with_access_key_id(id)
                .with_secret_access_key(secret);
        }
        builder
    }

    fn gcs(&self, time: Duration) -> GoogleCloudStorageBuilder {
        let mut builder = GoogleCloudStorageBuilder::new()
            .with_bucket_name(&self.name)
            .with_client_options(client(self.allow_http, time))
            .with_retry(patience(time));
        if let Some(endpoint) = &self.endpoint {
            builder = builder.with_base_url(endpoint);
        }
        if let Some(key) = &self.secret_access_key {
            builder = builder.with_service_account_key(key);
        }
        builder
    }

    fn azure(&self, time: Duration) -> MicrosoftAzureBuilder {
        let mut builder = MicrosoftAzureBuilder::new()
            .with_container_name(&self.name)
            .with_client_options(client(self.allow_http, time))
            .with_retry(patience(time));
        if let Some(endpoint) = &self.endpoint {
            builder = builder.with_endpoint(endpoint.clone());
        }
        if let Some(account) = &self.access_key_id {
            builder = builder.with_account(account);
        }
        if let Some(key) = &self.secret_access_key {
            builder = builder.with_access_key(key);
        }
        builder
    }

    /// What it is called, and where.
    fn place(&self) -> String {
        let (name, endpoint) = (&self.name, self.endpoint.as_deref());
        let endpoint = endpoint.unwrap_or("its provider");
        match (self.provider, &self.access_key_id) {
            (Provider::Azure, Some(account)) => {
                format!("the container {name} of the account {account} at {endpoint}")
            }
            _ => format!("the bucket {name} at {endpoint}"),
        }
    }

    /// Why nothing can be opened. A key that cannot be read is not told by the library's error, which
    /// may repeat what stands in it.
    fn unusable(&self, error: object_store::Error) -> Error {
        match (self.provider, &self.secret_access_key) {
            (Provider::Gcs, Some(_)) => Error::Key("the JSON of a service account's key"),
            (Provider::Azure, Some(_)) => Error::Key("an access key of the account, in base64"),
            _ => error.into(),
        }
    }
}

/// How long a whole object takes is up to whoever reads it, and to the way there: silence for so long
/// alone is a fault.
fn client(allow_http: bool, time: Duration) -> ClientOptions {
    ClientOptions::new()
        .with_allow_http(allow_http)
        .with_timeout_disabled()
        .with_read_timeout(time)
}

/// What failed is tried again for three times as long.
fn patience(time: Duration) -> RetryConfig {
    RetryConfig {
        retry_timeout: 3 * time,
        ..RetryConfig::default()
    }
}

#[cfg(test)]
mod tests;
