use super::testing::{KEY, module_zip};
use super::*;
use crate::publishing::PublishRequest;
use crate::resource::ReadRequest;
use crate::testing::{call, get, publish_request};
use http::Method;
use larder_model::{FileKind, Kind};
use std::io::{Cursor, Write};

const MODULE: &str = "/example.com/!azure/thing";

fn read(path: &str) -> ReadRequest {
    get(&Go, path).unwrap_or_else(|problem| panic!("{path}: {problem}"))
}

fn artifact(path: &str) -> Artifact {
    match read(path) {
        ReadRequest::Artifact(artifact) => artifact,
        other => panic!("{other:?}"),
    }
}

#[test]
fn paths_of_a_module() {
    let module = "example.com/Azure/thing";
    for (rest, path, url) in [
        ("/@v/list", "list", "example.com/!azure/thing/@v/list"),
        ("/@latest", "latest", "example.com/!azure/thing/@latest"),
        (
            "/@v/main.info",
            "query/main",
            "example.com/!azure/thing/@v/main.info",
        ),
        (
            "/@v/v1.2.info",
            "query/v1.2",
            "example.com/!azure/thing/@v/v1.2.info",
        ),
        (
            "/@v/v28.0.0.info",
            "query/v28.0.0",
            "example.com/!azure/thing/@v/v28.0.0.info",
        ),
        (
            "/@v/!dev.info",
            "query/Dev",
            "example.com/!azure/thing/@v/!dev.info",
        ),
    ] {
        let ReadRequest::Document(document, representation) = read(&format!("{MODULE}{rest}"))
        else {
            panic!("{rest}");
        };
        assert_eq!((&*document.package, &*document.path), (module, path));
        assert!(representation.name.is_empty() && !representation.has_absolute_urls);
        let Ok(Source::At { url: own, .. }) = Go.source(&document, &[]) else {
            panic!("{rest}");
        };
        assert_eq!(own, url);
    }
    for file in ["v28.0.0.zip", "v28.0.0.mod", "v28.0.0+incompatible.info"] {
        artifact(&format!("{MODULE}/@v/{file}"));
    }
    for ending in [".info", ".mod", ".zip"] {
        let found = artifact(&format!("{MODULE}/@v/v1.2.3-!r!c1{ending}"));
        let expected = Artifact::new(
            module,
            Some("v1.2.3-RC1".into()),
            format!("v1.2.3-RC1{ending}"),
        );
        assert_eq!(found, expected);
        let encoded = artifact(&format!(
            "/example.com/%21azure/thing/@v/v1.2.3-%21r%21c1{ending}"
        ));
        assert_eq!(encoded, expected);
    }
}

#[test]
fn paths_that_are_none() {
    for (path, kind) in [
        ("/example.com/Azure/thing/@v/list", Kind::NotFound),
        ("/example.com/azure%2fthing/@v/list", Kind::NotFound),
        ("/thing/@v/list", Kind::NotFound),
        ("/example.com/thing/@v/v1.2.3.txt", Kind::NotFound),
        ("/example.com/thing/@v/main.zip", Kind::NotFound),
        ("/example.com/thing/@v/v1.2.mod", Kind::NotFound),
        ("/example.com/thing/@v/v1.2.3-RC1.zip", Kind::NotFound),
        ("/example.com/thing/@v", Kind::NotFound),
        ("/example.com/thing", Kind::NotFound),
        ("/", Kind::NotFound),
        (
            "/sumdb/sum.example/lookup/example.com/Azure@v1.0.0",
            Kind::NotFound,
        ),
        ("/vulndb/index/other.json", Kind::NotFound),
        ("/vulndb/ID/a%2fb.json", Kind::NotFound),
    ] {
        let problem = get(&Go, path).expect_err(path);
        assert_eq!(problem.kind, kind, "{path}: {problem}");
    }
    let told = get(&Go, "/example.com/Azure/@v/list").expect_err("capitals");
    assert!(told.detail.contains('!'), "{told}");
}

#[test]
fn paths_of_a_log() {
    let path = "/sumdb/sum.example/lookup/example.com/!azure/thing@v1.0.0";
    let ReadRequest::Log(request) = read(path) else {
        panic!("a log");
    };
    assert_eq!(&*request.log, "sum.example");
    assert_eq!(&*request.package, "example.com/Azure/thing");
    assert_eq!(&*request.path, "lookup/example.com/!azure/thing@v1.0.0");
    for rest in ["latest", "supported", "tile/8/0/x001/234.p/7"] {
        let ReadRequest::Log(request) = read(&format!("/sumdb/sum.example/{rest}")) else {
            panic!("a log");
        };
        assert_eq!((&*request.package, &*request.path), ("", rest));
    }
}

#[test]
fn vulnerabilities_are_documents_of_the_whole_repository() {
    for path in [
        "index/db.json",
        "index/modules.json.gz",
        "ID/GO-2020-0001.json",
    ] {
        let ReadRequest::Document(document, representation) = read(&format!("/vulndb/{path}"))
        else {
            panic!("{path}");
        };
        assert_eq!(&*document.package, "");
        assert_eq!(
            Go.source(&document, &[]).ok(),
            Some(Source::InVulnerabilities(path.to_owned()))
        );
        let is_packed = path.rsplit_once('.').is_some_and(|(_, end)| end == "gz");
        assert_eq!(representation.compressible, !is_packed);
    }
    let document = Document::new("", "vulndb/ID/GO-2020-0001.json");
    assert!(Go.check(&document, br#"{"id":"GO-2020-0001"}"#).is_ok());
    assert!(Go.check(&document, br#"{"id":"GO-2020-0002"}"#).is_err());
    assert!(Go.check(&document, b"<html></html>").is_err());
    let packed = |text: &str| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(text.as_bytes()).expect("memory");
        encoder.finish().expect("memory")
    };
    for (path, good, wrong) in [
        (
            "index/db.json",
            r#"{"modified":"2026-11-28T00:00:00Z"}"#,
            "{}",
        ),
        (
            "index/modules.json",
            r#"[{"path":"a"},1]"#,
            r#"{"path":"a"}"#,
        ),
        ("index/vulns.json", "[]", "[] []"),
    ] {
        let (plain, gz) = (format!("vulndb/{path}"), format!("vulndb/{path}.gz"));
        let check = |path: &str, body: &[u8]| Go.check(&Document::new("", path), body).is_ok();
        assert!(
            check(&plain, good.as_bytes()) && check(&gz, &packed(good)),
            "{path}"
        );
        assert!(
            !check(&plain, wrong.as_bytes()) && !check(&gz, &packed(wrong)),
            "{path}"
        );
        assert!(!check(&gz, good.as_bytes()), "{path}");
        assert!(!check(&gz, &packed(good)[..20]), "{path}");
    }
}

#[test]
fn versions_are_published_at_the_address_of_their_zip_file() {
    let request = |method: &Method, ending: &str| -> Result<PublishRequest, Problem> {
        publish_request(&Go, method, &format!("{MODULE}/@v/v1.2.3{ending}"))
    };
    let put = request(&Method::PUT, ".zip").expect("a request");
    assert_eq!(&*put.package, "example.com/Azure/thing");
    assert_eq!(put.verb, larder_model::Verb::Write);
    let delete = request(&Method::DELETE, ".zip").expect("a request");
    assert_eq!(delete.verb, larder_model::Verb::Delete);
    for (method, ending) in [
        (Method::PUT, ".mod"),
        (Method::PUT, ".info"),
        (Method::POST, ".zip"),
    ] {
        let problem = request(&method, ending).expect_err("not so");
        assert_eq!(problem.kind, Kind::Unsupported);
    }
    assert!(call(&Go, &Method::PUT, &format!("{MODULE}/@v/list"), None).is_err());
}

/// The fetch of a plan, and whether contents are what it demands.
fn plan_of(path: &str, known: &[Option<Bytes>]) -> Result<Plan, Problem> {
    Go.plan(&artifact(&format!("{MODULE}{path}")), known, &[])
}

fn fits(plan: &Plan, body: &[u8]) -> bool {
    let Plan::Fetch(fetch) = plan else {
        panic!("{plan:?}");
    };
    let contents = fetch.integrity.contents().expect("contents");
    match contents.require(&mut Cursor::new(body.to_vec())) {
        Ok(_) => true,
        Err(problem) => {
            assert_eq!(problem.kind, Kind::DigestMismatch, "{problem}");
            false
        }
    }
}

#[test]
fn a_record_tells_what_files_contain() {
    let zip = module_zip("example.com/Azure/thing", "v1.2.3");
    let other = super::testing::zip_of(&[("example.com/Azure/thing@v1.2.3/b.go", "", 0)]);
    let Ok(Plan::Record(request)) = plan_of("/@v/v1.2.3.zip", &[]) else {
        panic!("the log is asked first");
    };
    assert_eq!(&*request.path, "lookup/example.com/!azure/thing@v1.2.3");
    // Without a log the first contents stay, if they can be what was asked for.
    let first = plan_of("/@v/v1.2.3.zip", &[None]).expect("a plan");
    assert!(fits(&first, &zip) && fits(&first, &other) && !fits(&first, b"<html></html>"));
    let go_mod = plan_of("/@v/v1.2.3.mod", &[None]).expect("a plan");
    assert!(fits(&go_mod, b"module example.com/other\n") && !fits(&go_mod, b"<html></html>"));
    // With one only those that it names.
    let Plan::Fetch(fetch) = &first else {
        panic!("a fetch");
    };
    assert_eq!(fetch.url, "example.com/!azure/thing/@v/v1.2.3.zip");
    let contents = fetch.integrity.contents().expect("contents");
    let sum = contents
        .require(&mut Cursor::new(zip.clone()))
        .expect("a sum");
    let go_mod_sum = super::sums::of_go_mod(b"module example.com/Azure/thing\n");
    let name = "example.com/Azure/thing v1.2.3";
    let record = format!("7\n{name} {sum}\n{name}/go.mod {go_mod_sum}\n\nnote");
    let known = [Some(Bytes::from(record))];
    let promised = plan_of("/@v/v1.2.3.zip", &known).expect("a plan");
    assert!(fits(&promised, &zip) && !fits(&promised, &other));
    let promised = plan_of("/@v/v1.2.3.mod", &known).expect("a plan");
    assert!(fits(&promised, b"module example.com/Azure/thing\n"));
    assert!(!fits(&promised, b"module example.com/Azure/thing\n\n"));
    let without = [Some(Bytes::from(format!("7\n{name} {sum}\n\nnote")))];
    let problem = plan_of("/@v/v1.2.3.mod", &without).expect_err("no sum");
    assert_eq!(problem.kind, Kind::NotFound);
}

#[test]
fn what_tells_of_a_version_is_about_that() {
    let info = plan_of("/@v/v1.2.3.info", &[]).expect("a plan");
    assert!(fits(
        &info,
        br#"{"Version":"v1.2.3","Time":"2026-11-29T10:11:12Z","Origin":{}}"#
    ));
    assert!(!fits(&info, br#"{"Version":"v1.2.4"}"#));
    assert!(!fits(&info, b"<html></html>"));
    assert_eq!(
        artifact(&format!("{MODULE}/@v/v1.2.3.info")).kind,
        FileKind::Artifact
    );
}

#[test]
fn settings_of_a_log_are_checked() {
    let open = |key: &str, url: Option<&str>| {
        let settings = ChecksumLog {
            key: key.to_owned(),
            url: url.map(str::to_owned),
            except: Vec::new(),
        };
        ChecksumDatabases.open(&settings)
    };
    let log = open(KEY, None).expect("a log");
    assert_eq!(log.places(), ["sumdb/sum.example/", "https://sum.example/"]);
    assert!(log.is_named("sum.example") && !log.is_named("sum.other"));
    let placed = open(KEY, Some("https://l.example/")).expect("a log");
    assert_eq!(placed.places(), ["https://l.example/"]);
    let Err(problem) = open("sum.example", None) else {
        panic!("no key");
    };
    assert_eq!(problem.kind, Kind::Invalid);
}

#[test]
fn releases_are_ordered() {
    let all = ["v1.10.0", "v1.9.0", "v2.0.0+incompatible", "main"];
    let ranks: Vec<_> = Go
        .releases(&all)
        .into_iter()
        .map(|it| it.map(|it| it.rank))
        .collect();
    assert_eq!(ranks, [Some(1), Some(0), Some(2), None]);
}
