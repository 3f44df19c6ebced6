//! Made-up images, pushed and read by raw HTTP.

use crate::random::Random;
use crate::{Client, Response};
use larder_model::{Algorithm, Digest};
use serde_json::json;

/// The media type of an OCI image manifest.
pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// The media type of an OCI index.
pub const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// An image: a config, layers, a manifest.
#[derive(Clone, Debug)]
pub struct Image {
    /// Config and layers, with their digests.
    pub blobs: Vec<(Digest, Vec<u8>)>,
    /// The manifest's bytes.
    pub manifest: Vec<u8>,
    /// The manifest's digest.
    pub digest: Digest,
}

/// The SHA-256 digest of some bytes.
pub fn digest(bytes: &[u8]) -> Digest {
    Digest::of(Algorithm::Sha256, bytes)
}

impl Image {
    /// An image of random layers of these sizes in bytes.
    pub fn random(random: &mut Random, layers: &[usize]) -> Self {
        let config = json!({"architecture": "amd64", "os": "linux", "seed": random.number()});
        let config = config.to_string().into_bytes();
        let layers = layers.iter().map(|size| random.bytes(*size)).collect();
        Self::of(config, layers, &json!({}))
    }

    /// An image of this config and these layers; `extra` goes into its manifest.
    pub fn of(config: Vec<u8>, layers: Vec<Vec<u8>>, extra: &serde_json::Value) -> Self {
        let descriptor = |media_type: &str, bytes: &[u8]| {
            let digest = digest(bytes).to_string();
            json!({"mediaType": media_type, "digest": digest, "size": bytes.len()})
        };
        let layer_type = "application/vnd.oci.image.layer.v1.tar";
        let mut manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": descriptor("application/vnd.oci.image.config.v1+json", &config),
            "layers": layers.iter().map(|layer| descriptor(layer_type, layer)).collect::<Vec<_>>(),
        });
        for (key, value) in extra.as_object().into_iter().flatten() {
            manifest[key] = value.clone();
        }
        let manifest = manifest.to_string().into_bytes();
        let blobs = std::iter::once(config)
            .chain(layers)
            .map(|bytes| (digest(&bytes), bytes))
            .collect();
        Self {
            blobs,
            digest: digest(&manifest),
            manifest,
        }
    }

    /// Pushes its blobs and then its manifest.
    #[track_caller]
    pub fn push(&self, client: &Client, name: &str, reference: &str) {
        for (digest, bytes) in &self.blobs {
            push_blob(client, name, digest, bytes).expect(201);
        }
        put_manifest(client, name, reference, MANIFEST, &self.manifest).expect(201);
    }

    /// Reads everything back by digest and compares every byte.
    #[track_caller]
    pub fn check(&self, client: &Client, name: &str, reference: &str) {
        let manifest = client
            .get(&format!("/v2/{name}/manifests/{reference}"))
            .expect(200);
        assert_eq!(manifest.body, self.manifest);
        assert_eq!(
            manifest.header("docker-content-digest"),
            Some(self.digest.to_string().as_str())
        );
        for (digest, bytes) in &self.blobs {
            let blob = client
                .get(&format!("/v2/{name}/blobs/{digest}"))
                .expect(200);
            assert!(blob.body == *bytes, "{digest} came back different");
        }
    }
}

/// Pushes a blob by POST and PUT.
#[track_caller]
pub fn push_blob(client: &Client, name: &str, digest: &Digest, bytes: &[u8]) -> Response {
    let started = client.send("POST", &format!("/v2/{name}/blobs/uploads/"), &[], b"");
    if started.status != 202 {
        return started;
    }
    let location = started.header("location").expect("location").to_owned();
    let headers = [("content-type", "application/octet-stream")];
    client.send(
        "PUT",
        &format!("{location}&digest={digest}"),
        &headers,
        bytes,
    )
}

/// Puts a manifest.
#[track_caller]
pub fn put_manifest(
    client: &Client,
    name: &str,
    reference: &str,
    media_type: &str,
    bytes: &[u8],
) -> Response {
    client.send(
        "PUT",
        &format!("/v2/{name}/manifests/{reference}"),
        &[("content-type", media_type)],
        bytes,
    )
}
