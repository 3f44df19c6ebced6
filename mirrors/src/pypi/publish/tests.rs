use super::*;
use crate::Protocol as _;
use crate::pypi::Pypi;
use crate::pypi::testing::*;
use crate::testing::call;
use http::Method;
use std::io::Cursor;

mod archives;
mod stored;

fn too_large(outcome: Result<Vec<Step>, Problem>) -> String {
    let problem = outcome.expect_err("refused");
    assert_eq!(problem.kind, Kind::TooLarge, "{problem}");
    problem.detail.into_owned()
}

#[test]
fn only_a_form_sent_to_its_address_publishes() {
    let request = request();
    assert_eq!(
        (request.action.name(), &*request.package, request.verb),
        ("upload", "", Verb::Write)
    );
    let limits = PublishLimits::default();
    let max = request.action.max_body(&limits);
    assert_eq!(
        (max.told, max.max_bytes > limits.file.bytes),
        (limits.file, true)
    );
    let spaces = request_of("Multipart/Form-Data; charset=utf-8; Boundary=\"a b:=\"");
    assert!(spaces.is_err());
    let quoted = request_of("Multipart/Form-Data; charset=utf-8; Boundary=\"==a:b'==\"");
    let action = format!("{:?}", quoted.expect("a request").action);
    assert_eq!(action, "FormUpload { boundary: \"==a:b'==\" }");
    for bad in [
        "application/json",
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=a; boundary=b",
        "multipart/form-data; boundary=\"a\\\"b\"",
        "multipart/form-data; boundary=\"a",
        "multipart/mixed; boundary=a",
        &format!("multipart/form-data; boundary={}", "a".repeat(71)),
    ] {
        assert_eq!(request_of(bad).expect_err(bad).kind, Kind::Invalid, "{bad}");
    }
    for (method, path, kind) in [
        (Method::GET, "/legacy/", Kind::NotFound),
        (Method::POST, "/", Kind::Unsupported),
        (Method::POST, "/simple/", Kind::Unsupported),
        (Method::PUT, "/legacy/", Kind::Unsupported),
        (Method::POST, "/legacy/a", Kind::Unsupported),
    ] {
        let problem = call(&Pypi, &method, path, None).err();
        assert_eq!(problem.expect(path).kind, kind, "{method} {path}");
    }
    let reply = request.action.reply();
    assert_eq!(
        (reply.status, &reply.body[..]),
        (StatusCode::OK, &b"accepted\n"[..])
    );
}

#[test]
fn a_wheel_brings_its_metadata() {
    let wheel = wheel();
    let body = body_of(&fields(WHEEL, &wheel), WHEEL, &wheel);
    assert_eq!(
        &*request()
            .action
            .package_in(&mut Cursor::new(body.clone()), &PublishLimits::default())
            .expect("name"),
        PROJECT
    );
    let steps = steps(&body, &[]).expect("steps");
    let [
        Step::Add {
            path,
            version,
            metadata,
            content_type,
            ..
        },
        Step::Add {
            path: beside,
            bytes,
            ..
        },
    ] = &steps[..]
    else {
        panic!("{steps:?}")
    };
    assert_eq!(
        (&**path, &**version, *content_type),
        (WHEEL, "1.0.0", "application/octet-stream")
    );
    assert_eq!(
        (&**beside, bytes),
        (
            &*format!("{WHEEL}.metadata"),
            &Bytes::Inline(INFO.as_bytes().to_vec())
        )
    );
    let metadata: Value = serde_json::from_str(metadata).expect("metadata");
    let digest = Digest::of(Algorithm::Sha256, INFO.as_bytes()).hex();
    let expected = json!({
        "requires_python": ">=3.9, <4",
        "metadata_sha256": digest,
        "size": wheel.len(),
        "yanked": null,
    });
    assert_eq!(metadata, expected);
    assert_eq!(
        stored(&steps, &body)[0].digest,
        Digest::of(Algorithm::Sha256, &wheel)
    );
}

#[test]
fn a_source_archive_comes_alone() {
    let zip = zipped(&[
        entry("My-Pkg.x-1.0/PKG-INFO", INFO),
        entry("My-Pkg.x-1.0/egg/PKG-INFO", ""),
    ]);
    for (file, content) in [(SDIST, sdist()), ("My.Pkg-x-1.0.zip", zip)] {
        let steps = publish_file(file, &content, &[]).expect(file);
        let [Step::Add { path, metadata, .. }] = &steps[..] else {
            panic!("{steps:?}")
        };
        assert_eq!(path, file);
        assert!(
            metadata.contains("\"metadata_sha256\":null") && metadata.contains("\">=3.9, <4\""),
            "{metadata}"
        );
    }
}

#[test]
fn fields_come_in_any_order() {
    let wheel = wheel();
    let mut parts: Vec<_> = fields(WHEEL, &wheel)
        .iter()
        .map(|(name, value)| text_part(name, value))
        .collect();
    parts.push(file_part(WHEEL, &wheel));
    for _ in 0..parts.len() {
        parts.rotate_right(1);
        let body = joined(&parts);
        assert_eq!(
            &*request()
                .action
                .package_in(&mut Cursor::new(body.clone()), &PublishLimits::default())
                .expect("name"),
            PROJECT
        );
        assert_eq!(steps(&body, &[]).expect("steps").len(), 2);
    }
    // As uv does: no digest but one, heads in small letters; as distutils did: a line's end first.
    let least = without(
        without(fields(WHEEL, &wheel), "md5_digest"),
        "blake2_256_digest",
    );
    let body = body_of(&least, WHEEL, &wheel);
    let small = String::from_utf8_lossy(&body).contains("Content-Disposition");
    assert!(small && steps(&body, &[]).is_ok());
    assert!(steps(&[b"\r\n", &body[..]].concat(), &[]).is_ok());
    assert!(steps(&body[..body.len() - 2], &[]).is_ok());
}

/// Whatever piece of the boundary stands at the end of what was read at once.
#[test]
fn a_boundary_is_found_wherever_it_stands() {
    let head = file_part("a", b"").len() - 2;
    for length in (256 << 10) - head - 40..(256 << 10) - head + 3 {
        let content = vec![b'\r'; length];
        let mut body = file_part("a", &content);
        body.extend(text_part("name", "My-Pkg.x"));
        let mut body = Cursor::new(joined(&[body]));
        let mut parts = crate::pypi::multipart::Parts::new(&mut body, BOUNDARY).expect("parts");
        let part = parts.next().expect("part").expect("a part");
        assert_eq!(part.length, length as u64);
        assert_eq!(parts.next().expect("part").map(|part| part.length), Some(8));
        assert!(parts.next().expect("end").is_none());
    }
}

#[test]
fn an_ambiguous_form_is_refused() {
    let wheel = wheel();
    let all = fields(WHEEL, &wheel);
    let body = body_of(&all, WHEEL, &wheel);
    for length in (0..body.len() - 2)
        .step_by(7)
        .chain(body.len() - 40..body.len() - 2)
    {
        refusal(steps(&body[..length], &[]));
    }
    let spoilt = |more: Vec<u8>| {
        let parts = [more, body.clone()].concat();
        refusal(steps(&parts, &[]))
    };
    assert!(spoilt(text_part("name", "other")).contains("same name"));
    assert!(spoilt(text_part("description", "other")).contains("same name"));
    assert!(spoilt(file_part(WHEEL, &wheel)).contains("same name"));
    let long = [
        text_part("keywords", &"a".repeat((64 << 10) + 1)),
        body.clone(),
    ]
    .concat();
    assert!(too_large(steps(&long, &[])).contains("keywords"));
    assert!(spoilt(text_part("a", "b").repeat(2000)).contains("too many"));
    assert!(spoilt(b"preamble\r\n".to_vec()).contains("begin"));
    let head = |head: &str| spoilt(format!("--{BOUNDARY}\r\n{head}\r\n\r\nvalue\r\n").into_bytes());
    for unclear in [
        "",
        "Content-Type: text/plain",
        "Content-Disposition: form-data",
        "Content-Disposition: form-data; name*=utf-8''a",
        "Content-Disposition: form-data; name=a; name=b",
        "Content-Disposition: form-data; name=\"a\\\"\"",
        "Content-Disposition: form-data; name=\"a",
        "Content-Disposition: attachment; name=a",
        "Content-Disposition: form-data; name=a\r\nContent-Disposition: form-data; name=a",
        "Content-Disposition: form-data;\r\n name=a",
        "Content-Disposition: form-data; name=\"a\"; filename=b; filename=c",
    ] {
        assert!(head(unclear).contains("no clear name"), "{unclear}");
    }
    assert!(
        head("Content-Disposition: form-data; name=a\r\nContent-Transfer-Encoding: base64")
            .contains("encoded")
    );
    assert!(
        head(&format!(
            "Content-Disposition: form-data; name=a\r\nX: {}",
            "a".repeat(5000)
        ))
        .contains("head")
    );
    assert!(refusal(steps(&[&body[..], b"more"].concat(), &[])).contains("after its end"));
    let within = text_part("keywords", &format!("a\r\n--{BOUNDARY}b"));
    assert!(spoilt(within).contains("within"));
    assert!(refusal(steps(&joined(&[text_part("name", "a")]), &[])).contains("content"));
    let nameless = joined(&[text_part("content", "a")]);
    assert!(refusal(steps(&nameless, &[])).contains("file name"));
    assert!(
        request()
            .action
            .package_in(&mut Cursor::new(nameless), &PublishLimits::default())
            .is_err()
    );
}

#[test]
fn a_form_that_differs_from_its_file_is_refused() {
    let wheel = wheel();
    let all = || fields(WHEEL, &wheel);
    for name in [":action", "protocol_version", "name", "version", "filetype"] {
        assert!(refusal(steps(&body_of(&without(all(), name), WHEEL, &wheel), &[])).contains(name));
    }
    for (name, value) in [
        (":action", "submit"),
        ("protocol_version", "2"),
        ("name", "other"),
        ("name", "../my-pkg-x"),
        ("version", "1.0.1"),
        ("version", "one"),
        ("filetype", "sdist"),
        ("sha256_digest", "00"),
        ("md5_digest", "00"),
        ("blake2_256_digest", &"0".repeat(64)),
    ] {
        refusal(steps(
            &body_of(&with(all(), name, value), WHEEL, &wheel),
            &[],
        ));
    }
    let upper = all()
        .iter()
        .map(|(name, value)| (*name, value.clone()))
        .collect::<Fields>();
    let digest = Digest::of(Algorithm::Sha256, &wheel)
        .hex()
        .to_ascii_uppercase();
    assert!(
        steps(
            &body_of(&with(upper, "sha256_digest", &digest), WHEEL, &wheel),
            &[]
        )
        .is_ok()
    );
    assert!(steps(&body_of(&with(all(), "version", "1.0"), WHEEL, &wheel), &[]).is_ok());
}

#[test]
fn a_file_name_of_another_release_is_refused() {
    let wheel = wheel();
    for file in [
        "my_pkg_x-1.0.1-py3-none-any.whl",
        "other-1.0.0-py3-none-any.whl",
        "my-pkg-x-1.0.0-py3-none-any.whl",
        "my_pkg_x-1.0.0-py3-none.whl",
        "my_pkg_x-1.0.0-build-py3-none-any.whl",
        "my_pkg_x-1.0.0-1-2-py3-none-any.whl",
        "my_pkg_x-1.0.0-py3..py2-none-any.whl",
        "my_pkg_x-1.0.0-py3--any.whl",
        "my_pkg_x-1.0.0-py3-none-any.whl/",
        "../my_pkg_x-1.0.0-py3-none-any.whl",
        "my_pkg_x-1.0.0-py3-none-any.WHL",
        "my_pkg_x-1.0.0-py3-none-any.egg",
        "my_pkg_x-1.0.0-py3-none-any%20.whl",
        "",
        ".whl",
    ] {
        refusal(publish_file(file, &wheel, &[]));
    }
    let local = INFO.replace("1.0.0", "1.0.0+ubuntu-1");
    let wheel = zipped(&wheel_entries("My.pkg_x-1.0.0+ubuntu_1.dist-info", &local));
    let file = "My.pkg_x-1.0.0+ubuntu.1-1a-py2.py3-none-manylinux_2_17_x86_64.whl";
    let steps = steps(
        &body_of(
            &with(fields(file, &wheel), "version", "1.0.0+ubuntu-1"),
            file,
            &wheel,
        ),
        &[],
    );
    assert!(
        matches!(&steps.expect("local")[0], Step::Add { version, .. } if version == "1.0.0+ubuntu.1")
    );
}

#[test]
fn metadata_is_that_of_the_file() {
    let folder = "my_pkg_x-1.0.0.dist-info";
    let upload = |info: &str| publish_file(WHEEL, &zipped(&wheel_entries(folder, info)), &[]);
    assert!(upload("name: my_pkg_x\r\nVERSION: 1.0\r\n\r\n").is_ok());
    for bad in [
        "",
        "Name: my-pkg-x\n",
        "Name: other\nVersion: 1.0.0\n",
        "Name: my-pkg-x\nVersion: 2\n",
        "Name: my-pkg-x\nName: my-pkg-x\nVersion: 1.0.0\n",
        "Name: my-pkg-x\n\nVersion: 1.0.0\n",
        "Name: my-pkg-x\n y\nVersion: 1.0.0\n",
        "Name: my-pkg-x\rName: other\nVersion: 1.0.0\n",
        "Name: my-pkg-x\nVersion: 1.0.0\nno colon\n",
        "Name: my-pkg-x\nVersion: 1.0.0\nRequires-Python: {sha256}\n",
    ] {
        let problem = refusal(upload(bad));
        if bad.contains("no colon") {
            assert!(problem.contains("line 3 of the metadata"), "{problem}");
            continue;
        }
        refusal(publish_file(
            SDIST,
            &tarred(&[("my_pkg_x-1.0.0/PKG-INFO", b'0', bad)]),
            &[],
        ));
    }
    // A licence of several lines, as old tools wrote it: clients read no field after it.
    let old = "Name: my-pkg-x\nVersion: 1.0.0\nLicense: Mine (c) me\nAll rights: reserved\n\n\
        No other name.\nName: other\nRequires-Python: >=3\n";
    let folder_and_file = [("my_pkg_x-1.0.0//PKG-INFO", b'0', old)];
    let steps = publish_file(SDIST, &tarred(&folder_and_file), &[]).expect("an old archive");
    let Some(Step::Add { metadata, .. }) = steps.first() else {
        panic!("{steps:?}")
    };
    let metadata: Value = serde_json::from_str(metadata).expect("JSON");
    assert!(metadata["requires_python"].is_null(), "{metadata}");
    let of = |entries: &[Entry]| refusal(publish_file(WHEEL, &zipped(entries), &[]));
    assert!(of(&wheel_entries("my_pkg_x-1.0.1.dist-info", INFO)).contains("another"));
    assert!(of(&wheel_entries("my_pkg_x.dist-info", INFO)).contains("another"));
    let mut two = wheel_entries(folder, INFO);
    two.push(entry("other-1.dist-info/METADATA", INFO));
    assert!(of(&two).contains("two"));
    assert!(of(&[entry("a", "")]).contains("no .dist-info"));
    for missing in 1..4 {
        let mut entries = wheel_entries(folder, INFO);
        entries.remove(missing);
        assert!(of(&entries).contains("has no"));
    }
    let mut long = wheel_entries(folder, INFO);
    long[1].content.resize((8 << 20) + 1, b'a');
    let long = too_large(publish_file(WHEEL, &zipped(&long), &[]));
    assert!(long.contains("package_metadata_size"), "{long}");
}

#[test]
fn a_deleted_file_is_of_a_version_in_any_spelling() {
    let key = |path: &str| Distributions.deleted_key("demo", path);
    let version = Distributions.version_key("1.0");
    for path in ["demo-1.0.0-py3-none-any.whl", "Demo-1.tar.gz"] {
        assert_eq!(key(path), version, "{path}");
    }
    assert_ne!(key("other-1.0.tar.gz"), version);
}
