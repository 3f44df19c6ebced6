//! The registry API by raw HTTP: what the conformance suite does not look at.

mod ranges;
mod whole;

use larder_tests::image::{INDEX, MANIFEST, digest, push_blob, put_manifest};
use larder_tests::random::Random;
use larder_tests::{Image, Larder, Start};
use serde_json::json;

fn larder() -> Larder {
    Start::of(env!("CARGO_BIN_EXE_larder")).start()
}

fn location(answer: &larder_tests::Response) -> String {
    answer.header("location").expect("location").to_owned()
}

#[test]
fn an_image_comes_back_as_it_was_pushed_after_a_kill() {
    let mut larder = larder();
    let mut random = Random::seeded();
    let images: Vec<Image> = [&[][..], &[0], &[1, 70_000], &[3_000_000, 65_536, 65_537]]
        .map(|sizes| Image::random(&mut random, sizes))
        .into();
    for (number, image) in images.iter().enumerate() {
        image.push(&larder.admin(), "team/app", &format!("v{number}"));
    }
    larder.kill();
    larder.start_again();
    for (number, image) in images.iter().enumerate() {
        image.check(&larder.admin(), "team/app", &format!("v{number}"));
        image.check(&larder.admin(), "team/app", &image.digest.to_string());
    }
    assert_eq!(larder.stop(), Some(0));
    larder.start_again();
    images[3].check(&larder.admin(), "team/app", "v3");
}

#[test]
fn an_upload_goes_on_after_a_kill() {
    let mut larder = larder();
    let bytes = Random::seeded().bytes(5_000_000);
    let started = larder
        .admin()
        .send("POST", "/v2/team/app/blobs/uploads/", &[], b"")
        .expect(202);
    let first = larder.admin().send(
        "PATCH",
        &location(&started),
        &[("content-range", "0-1999999")],
        &bytes[..2_000_000],
    );
    let first = first.expect(202);
    assert_eq!(first.header("range"), Some("0-1999999"));
    larder.kill();
    larder.start_again();
    let admin = larder.admin();
    let status = admin.get(&location(&first)).expect(204);
    assert_eq!(status.header("range"), Some("0-1999999"));
    let gap = admin.send(
        "PATCH",
        &location(&first),
        &[("content-range", "3000000-3999999")],
        &bytes[3_000_000..4_000_000],
    );
    assert_eq!(gap.expect(416).code(), "BLOB_UPLOAD_INVALID");
    let second = admin.send(
        "PATCH",
        &location(&first),
        &[("content-range", "2000000-3999999")],
        &bytes[2_000_000..4_000_000],
    );
    let last = format!(
        "{}&digest={}",
        location(&second.expect(202)),
        digest(&bytes)
    );
    admin
        .send(
            "PUT",
            &last,
            &[("content-range", "4000000-4999999")],
            &bytes[4_000_000..],
        )
        .expect(201);
    let blob = admin
        .get(&format!("/v2/team/app/blobs/{}", digest(&bytes)))
        .expect(200);
    assert!(blob.body == bytes);
    assert_eq!(
        admin.get(&location(&first)).expect(404).code(),
        "BLOB_UPLOAD_UNKNOWN"
    );
}

#[test]
fn a_fresh_session_goes_on_after_a_kill() {
    let mut larder = larder();
    let started = larder
        .admin()
        .send("POST", "/v2/team/app/blobs/uploads/", &[], b"")
        .expect(202);
    larder.kill();
    larder.start_again();
    let put = format!("{}&digest={}", location(&started), digest(b"hello"));
    larder.admin().send("PUT", &put, &[], b"hello").expect(201);
    // Its answer may have been lost: the same once more is answered as the first time.
    let again = larder.admin().send("PUT", &put, &[], b"hello").expect(201);
    let blob = format!("/v2/team/app/blobs/{}", digest(b"hello"));
    assert_eq!(again.header("location"), Some(&*blob));
    let other = format!("{}&digest={}", location(&started), digest(b"other"));
    let mallory = larder.make_user("mallory");
    larder.grant("user:mallory", "oci/team", "*", "writer");
    for (client, path, bytes) in [
        (larder.admin(), &other, b"other"),
        (mallory, &put, b"hello"),
    ] {
        let refused = client.send("PUT", path, &[], bytes);
        assert_eq!(
            refused.expect(404).code(),
            "BLOB_UPLOAD_UNKNOWN",
            "an ended session is not taken up again"
        );
    }
    larder.admin().send("DELETE", &blob, &[], b"").expect(202);
    larder.admin().send("PUT", &put, &[], b"hello").expect(404);
}

#[test]
fn a_closing_put_that_is_sent_twice_at_once_is_answered_twice() {
    let larder = larder();
    let admin = larder.admin();
    let bytes = Random::seeded().bytes(3 << 20);
    for _ in 0..20 {
        let started = admin.send("POST", "/v2/team/app/blobs/uploads/", &[], b"");
        let patched = admin.send("PATCH", &location(&started.expect(202)), &[], &bytes);
        let put = format!(
            "{}&digest={}",
            location(&patched.expect(202)),
            digest(&bytes)
        );
        std::thread::scope(|scope| {
            let both = [(), ()].map(|()| scope.spawn(|| admin.send("PUT", &put, &[], b"")));
            for one in both {
                one.join().expect("client").expect(201);
            }
        });
    }
}

#[test]
fn what_is_wrong_is_not_kept() {
    let larder = larder();
    let admin = larder.admin();
    let promised = digest(b"promised");
    for size in [8, 100_000] {
        let came = vec![b'x'; size];
        assert_eq!(
            push_blob(&admin, "team/app", &promised, &came)
                .expect(400)
                .code(),
            "DIGEST_INVALID"
        );
        let streamed = admin
            .send("POST", "/v2/team/app/blobs/uploads/", &[], b"")
            .expect(202);
        let patched = admin
            .send("PATCH", &location(&streamed), &[], &came)
            .expect(202);
        let closed = admin.send(
            "PUT",
            &format!("{}&digest={promised}", location(&patched)),
            &[],
            b"",
        );
        assert_eq!(closed.expect(400).code(), "DIGEST_INVALID");
        admin
            .get(&format!("/v2/team/app/blobs/{}", digest(&came)))
            .expect(404);
    }
    admin
        .get(&format!("/v2/team/app/blobs/{promised}"))
        .expect(404);
    let staged = std::fs::read_dir(larder.data().join("storage/blobs"))
        .expect("blobs")
        .count();
    assert_eq!(staged, 0, "no object was made");
}

#[test]
fn lists_are_paged_with_links() {
    let larder = larder();
    let admin = larder.admin();
    let image = Image::random(&mut Random::seeded(), &[10]);
    let tags = ["B", "a", "a.b", "a_c", "b-1", "latest"];
    for tag in tags {
        image.push(&admin, "team/app", tag);
    }
    let all = admin.get("/v2/team/app/tags/list").expect(200);
    assert_eq!(all.json(), json!({"name": "team/app", "tags": tags}));
    assert_eq!(all.header("link"), None);
    let (mut seen, mut next) = (Vec::new(), Some("/v2/team/app/tags/list?n=4".to_owned()));
    while let Some(path) = next {
        let page = admin.get(&path).expect(200);
        seen.extend(page.json()["tags"].as_array().expect("tags").clone());
        next = page
            .header("link")
            .map(|link| link[1..link.find('>').expect("link")].to_owned());
    }
    assert_eq!(json!(seen), json!(tags));
    let none = admin.get("/v2/team/app/tags/list?n=0").expect(200);
    assert_eq!(
        (
            none.json()["tags"].as_array().map(Vec::len),
            none.header("link")
        ),
        (Some(0), None)
    );
    assert_eq!(
        admin.get("/v2/team/none/tags/list").expect(404).code(),
        "NAME_UNKNOWN"
    );

    for name in ["team/b", "team-a/x", "team/a/c", "other/x"] {
        image.push(&admin, name, "v");
    }
    let catalog = admin.get("/v2/_catalog").expect(200);
    assert_eq!(
        catalog.json()["repositories"],
        json!(["other/x", "team-a/x", "team/a/c", "team/app", "team/b"])
    );
    let page = admin.get("/v2/_catalog?n=2&last=other/x").expect(200);
    assert_eq!(page.json()["repositories"], json!(["team-a/x", "team/a/c"]));
    assert!(
        page.header("link")
            .expect("link")
            .starts_with("</v2/_catalog?n=2&last=team%2Fa%2Fc>")
    );
}

#[test]
fn referrers_are_filtered_and_paged() {
    let larder = larder();
    let admin = larder.admin();
    let mut random = Random::seeded();
    let subject = Image::random(&mut random, &[10]);
    let list = format!("/v2/team/app/referrers/{}", subject.digest);
    let empty = admin.get(&list).expect(200);
    assert_eq!(empty.header("content-type"), Some(INDEX));
    assert_eq!(empty.json()["manifests"], json!([]));
    let big = "x".repeat(900_000);
    for number in 0..5 {
        let kind = if number % 2 == 0 {
            "example/even+json"
        } else {
            "example/odd"
        };
        let (digest, size) = (subject.digest.to_string(), subject.manifest.len());
        let about = json!({"mediaType": MANIFEST, "digest": digest, "size": size});
        let annotations = json!({"big": big, "number": number.to_string()});
        let extra = json!({"subject": about, "artifactType": kind, "annotations": annotations});
        let artifact = Image::of(b"{}".to_vec(), vec![random.bytes(5)], &extra);
        for (digest, bytes) in &artifact.blobs {
            push_blob(&admin, "team/app", digest, bytes).expect(201);
        }
        let put = put_manifest(
            &admin,
            "team/app",
            &artifact.digest.to_string(),
            MANIFEST,
            &artifact.manifest,
        )
        .expect(201);
        assert_eq!(
            put.header("oci-subject"),
            Some(subject.digest.to_string().as_str())
        );
    }
    let (mut seen, mut pages, mut next) = (0, 0, Some(list.clone()));
    while let Some(path) = next {
        let page = admin.get(&path).expect(200);
        assert!(page.body.len() < 4 << 20, "a page is bounded");
        seen += page.json()["manifests"]
            .as_array()
            .expect("manifests")
            .len();
        pages += 1;
        next = page
            .header("link")
            .map(|link| link[1..link.find('>').expect("link")].to_owned());
    }
    assert!(seen == 5 && pages > 1, "{seen} in {pages} pages");
    // Clients write the plus sign of a media type as it is, too.
    for filter in ["example/even+json", "example%2Feven%2Bjson"] {
        let even = admin.get(&format!("{list}?artifactType={filter}"));
        let even = even.expect(200);
        assert_eq!(even.header("oci-filters-applied"), Some("artifactType"));
        let even = even.json();
        let even = even["manifests"].as_array().expect("manifests");
        let is_even = |one: &serde_json::Value| one["artifactType"] == "example/even+json";
        assert!(!even.is_empty() && even.iter().all(is_even), "{filter}");
    }
    let all = admin.get(&format!("{list}?artifactType=")).expect(200);
    assert_eq!(all.header("oci-filters-applied"), None);
    assert_eq!(all.body, admin.get(&list).expect(200).body, "no filter");
}

#[test]
fn sixty_four_writers_of_one_tag_leave_one_of_theirs() {
    let larder = larder();
    let mut random = Random::seeded();
    let images: Vec<Image> = (0..64)
        .map(|_| Image::random(&mut random, &[100]))
        .collect();
    let admin = larder.admin();
    let won: Vec<u16> = std::thread::scope(|scope| {
        let race = |image: &'static Image| {
            let admin = admin.clone();
            scope.spawn(move || {
                for (digest, bytes) in &image.blobs {
                    push_blob(&admin, "team/race", digest, bytes).expect(201);
                }
                let headers = [("content-type", MANIFEST), ("if-none-match", "*")];
                admin
                    .send(
                        "PUT",
                        "/v2/team/race/manifests/only",
                        &headers,
                        &image.manifest,
                    )
                    .status
            })
        };
        let images: &'static [Image] = Box::leak(images.into_boxed_slice());
        let racers: Vec<_> = images.iter().map(race).collect();
        racers
            .into_iter()
            .map(|racer| racer.join().expect("racer"))
            .collect()
    });
    assert_eq!(
        won.iter().filter(|status| **status == 201).count(),
        1,
        "{won:?}"
    );
    assert!(
        won.iter().all(|status| *status == 201 || *status == 412),
        "{won:?}"
    );
    admin.get("/v2/team/race/manifests/only").expect(200);
}

#[test]
fn the_catalog_asks_for_a_token_of_its_own() {
    let larder = larder();
    let image = Image::random(&mut Random::seeded(), &[10]);
    for name in ["team/app", "open/app"] {
        image.push(&larder.admin(), name, "v1");
    }
    larder.make_user("alice");
    larder.grant("user:alice", "oci/team", "*", "reader");
    larder.grant("anonymous", "oci/open", "*", "reader");
    let bearer = |client: &larder_tests::Client, scope: &str| {
        let token = client
            .get(&format!("/v2/token?scope={scope}"))
            .expect(200)
            .json()["token"]
            .clone();
        let header = format!("Bearer {}", token.as_str().expect("token"));
        larder_tests::Client::with_authorization(larder.address(), &header)
    };
    let challenge = |client: &larder_tests::Client| {
        let refused = client.get("/v2/_catalog").expect(401);
        assert_eq!(refused.code(), "UNAUTHORIZED");
        refused
            .header("www-authenticate")
            .expect("challenge")
            .to_owned()
    };
    let (alice, anonymous) = (
        larder.user("alice", larder_tests::larder::PASSWORD),
        larder.anonymous(),
    );
    assert!(challenge(&anonymous).ends_with("scope=\"registry:catalog:*\""));
    let narrow = challenge(&bearer(&alice, "repository:team/app:pull"));
    assert!(
        narrow.ends_with("scope=\"registry:catalog:*\",error=\"insufficient_scope\""),
        "{narrow}"
    );
    let list = |client: &larder_tests::Client| {
        client.get("/v2/_catalog").expect(200).json()["repositories"].clone()
    };
    let (own, open) = (json!(["open/app", "team/app"]), json!(["open/app"]));
    assert_eq!(list(&alice), own);
    assert_eq!(list(&bearer(&alice, "registry:catalog:*")), own);
    assert_eq!(list(&bearer(&anonymous, "registry:catalog:*")), open);
}
