//! Single versions, by their number or by a tag.

use super::*;

fn part(path: &str) -> (Document, Box<str>) {
    match get(path).expect(path) {
        ReadRequest::Part(document, representation, part) => {
            assert_eq!(representation, VERSION);
            (document, part)
        }
        other => panic!("{path}: {other:?}"),
    }
}

fn rendered_part(document: &Document, part: &str, body: &[u8]) -> Result<Vec<u8>, Problem> {
    let outline = PackumentOutlines.outline(document, body)?;
    let part = outline.part(part)?;
    let range = usize::try_from(part.range.start).expect("a place")
        ..usize::try_from(part.range.end).expect("a place");
    let body = &body[range];
    let request = RenderRequest {
        document,
        representation: VERSION,
        part: Some(part.name),
        repo_path: REPO_URL.path,
        place_bytes: REPO_URL.origin.len() + 1,
        leads: &[],
    };
    Npm.render(&request, body).map(at_repo_url)
}

fn version(path: &str) -> Result<Value, Problem> {
    let (document, part) = part(path);
    let body = rendered_part(&document, &part, WIDGET)?;
    Ok(serde_json::from_slice(&body).expect("JSON"))
}

#[test]
fn all_spellings_of_a_version_are_equal() {
    for path in [
        "/@acme/widget/1.0.0",
        "/@acme%2fwidget/1.0.0",
        "/@acme%2Fwidget/1.0.0",
        "/%40acme%2fwidget/1.0.0",
    ] {
        assert_eq!(
            part(path),
            (packument_of("@acme/widget"), "1.0.0".into()),
            "{path}"
        );
    }
    assert_eq!(part("/widget/1.0.0-rc.1").1, "1.0.0-rc.1".into());
    assert_eq!(part("/widget/1.0.0%2Bb").1, "1.0.0+b".into());
    assert_eq!(part("/widget/latest").1, "latest".into());
}

#[test]
fn a_version_is_rendered_with_urls_of_this_server() {
    let all: Value = serde_json::from_slice(WIDGET).expect("JSON");
    let mut expected = all["versions"]["1.1.0"].clone();
    expected["dist"]["tarball"] =
        "https://r.example/npm/main/@acme/widget/-/widget-1.1.0.tgz".into();
    let attested = "https://r.example/npm/main/-/npm/v1/attestations/@acme/widget@1.1.0";
    expected["dist"]["attestations"]["url"] = attested.into();
    assert_eq!(version("/@acme/widget/1.1.0").expect("a version"), expected);
    assert_eq!(version("/@acme/widget/latest").expect("a tag"), expected);
    assert_eq!(
        version("/@acme/widget/next").expect("a tag")["version"],
        "2.0.0-rc.1"
    );
    for absent in [
        "/@acme/widget/3.0.0",
        "/@acme/widget/beta",
        "/@acme/widget/toString",
    ] {
        assert_eq!(version(absent).expect_err(absent).kind, Kind::NotFound);
    }
    let gone = rendered_part(&packument_of("gone"), "1.0.0", GONE).expect_err("unpublished");
    assert_eq!(gone.kind, Kind::NotFound);
}
