//! Images that run, and OCI image layouts of them in a folder.

use crate::archive::tar;
use crate::image::{INDEX, Image, MANIFEST, digest};
use serde_json::json;
use std::path::Path;

/// An image whose entrypoint is this program, for a processor architecture in Go's words.
pub fn runnable(program: &[u8], architecture: &str) -> Image {
    let layer = tar(&[("hello", program)]);
    let config = json!({
        "architecture": architecture,
        "os": "linux",
        "config": {"Entrypoint": ["/hello"]},
        "rootfs": {"type": "layers", "diff_ids": [digest(&layer).to_string()]},
    });
    Image::of(config.to_string().into_bytes(), vec![layer], &json!({}))
}

/// An index of images, each for its architecture.
pub fn index(images: &[(&str, &Image)]) -> Vec<u8> {
    let one = |(architecture, image): &(&str, &Image)| {
        let mut descriptor = descriptor(MANIFEST, &image.manifest);
        descriptor["platform"] = json!({"architecture": architecture, "os": "linux"});
        descriptor
    };
    let manifests: Vec<_> = images.iter().map(one).collect();
    json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests})
        .to_string()
        .into_bytes()
}

fn descriptor(media_type: &str, bytes: &[u8]) -> serde_json::Value {
    json!({"mediaType": media_type, "digest": digest(bytes).to_string(), "size": bytes.len()})
}

/// Writes a layout of one image, under the name `tag`.
#[track_caller]
pub fn write(folder: &Path, image: &Image, tag: &str) {
    fill(folder, &[image], MANIFEST, &image.manifest, tag);
}

/// Writes a layout of an index and its images, under the name `tag`.
#[track_caller]
pub fn write_index(folder: &Path, images: &[&Image], index: &[u8], tag: &str) {
    fill(folder, images, INDEX, index, tag);
}

fn fill(folder: &Path, images: &[&Image], media_type: &str, top: &[u8], tag: &str) {
    let blobs = folder.join("blobs/sha256");
    std::fs::create_dir_all(&blobs).expect("layout");
    let put = |bytes: &[u8]| std::fs::write(blobs.join(hex(bytes)), bytes).expect("blob");
    for image in images {
        image.blobs.iter().for_each(|(_, bytes)| put(bytes));
        put(&image.manifest);
    }
    put(top);
    let mut named = descriptor(media_type, top);
    named["annotations"] = json!({"org.opencontainers.image.ref.name": tag});
    let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [named]});
    std::fs::write(folder.join("index.json"), index.to_string()).expect("layout");
    std::fs::write(
        folder.join("oci-layout"),
        r#"{"imageLayoutVersion":"1.0.0"}"#,
    )
    .expect("layout");
}

fn hex(bytes: &[u8]) -> String {
    digest(bytes).to_string().split_off("sha256:".len())
}

/// Fails unless the layout has the image with all its bytes.
#[track_caller]
pub fn check(folder: &Path, image: &Image) {
    let has = |bytes: &[u8]| {
        std::fs::read(folder.join("blobs/sha256").join(hex(bytes))).is_ok_and(|kept| kept == bytes)
    };
    assert!(has(&image.manifest), "the manifest came back different");
    assert!(
        image.blobs.iter().all(|(_, bytes)| has(bytes)),
        "a blob came back different"
    );
}
