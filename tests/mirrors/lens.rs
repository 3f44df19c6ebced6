//! Addresses that carry a lens are read by every protocol, and refused: there are no views yet.

use crate::bed::Bed;
use larder_tests::random::Random;
use larder_tests::{Image, Response};
use serde_json::json;

const LENSES: [&str; 6] = [
    "@2026-11-28",
    "%402026-11-28",
    "@20261128t120000z",
    "@view.7",
    "@record.7",
    "@closure.api",
];
const NO_LENSES: [&str; 5] = ["@", "@yesterday", "@2026-11-31", "@view", "@view.A"];

/// The sentence of a refusal, in the protocol's dialect.
fn sentence(protocol: &str, answer: &Response) -> String {
    if protocol != "npm" {
        return answer.text();
    }
    let answer = answer.json();
    answer["error"].as_str().expect("a sentence").to_owned()
}

#[test]
fn a_lens_is_refused_in_every_dialect() {
    let bed = Bed::new();
    for shelf in bed.mirrors(b"a body") {
        let protocol = shelf.protocol;
        let at = |segment: &str| {
            let path = shelf.index_here();
            path.replacen("/up/", &format!("/{segment}/"), 1)
        };
        for lens in LENSES {
            if protocol == "deb" && lens.contains("2026") {
                continue; // its mirrors have a past
            }
            // Whether there is such a repository is not told.
            for repo in ["up", "nothing"] {
                let answer = bed.get(&at(&format!("{repo}{lens}"))).expect(405);
                let sentence = sentence(protocol, &answer);
                let place = format!("{protocol}/{repo}");
                assert!(sentence.contains(&place), "{lens}: {sentence}");
                assert!(sentence.contains("no views yet"), "{lens}: {sentence}");
            }
        }
        for lens in NO_LENSES {
            let answer = bed.get(&at(&format!("up{lens}"))).expect(404);
            let nowhere = bed.get(&at("nothing")).expect(404);
            assert_eq!(answer.body, nowhere.body, "{protocol} {lens}");
        }
        assert_eq!(bed.upstream.take_asked().len(), 0, "{protocol}");
        bed.get(&shelf.index_here()).expect(200);
        bed.upstream.take_asked();
    }
}

#[test]
fn a_lens_on_images_is_refused_unless_a_repository_has_this_name() {
    let bed = Bed::new();
    let (admin, nobody) = (bed.larder.admin(), &bed.client);
    let image = Image::random(&mut Random::seeded(), &[100]);
    let exact = json!({"protocol": "oci", "name": "team--view.9", "kind": "hosted"});
    let larder = &bed.larder;
    larder.api("POST", "repositories", &exact.to_string(), 201);
    for repo in ["team", "team--view.9"] {
        image.push(&admin, &format!("{repo}/app"), "1");
        image.check(nobody, &format!("{repo}/app"), "1");
    }
    for lens in ["2026-11-28", "20261128t120000z", "view.7", "closure.api"] {
        for repo in ["team", "nothing"] {
            let path = format!("/v2/{repo}--{lens}/app/manifests/1");
            let answer = nobody.get(&path).expect(405);
            assert_eq!(answer.code(), "UNSUPPORTED", "{path}");
            let sentence = answer.json()["errors"][0]["message"].clone();
            let sentence = sentence.as_str().expect("a sentence").to_owned();
            assert!(sentence.contains(&format!("oci/{repo}")), "{sentence}");
        }
        let upload = format!("/v2/team--{lens}/app/blobs/uploads/");
        let answer = admin.send("POST", &upload, &[], b"").expect(405);
        assert_eq!(answer.code(), "UNSUPPORTED");
    }
    for name in ["team--yesterday", "team--view", "team--2026-11-31"] {
        let path = format!("/v2/{name}/app/manifests/1");
        let answer = admin.get(&path).expect(404);
        assert_eq!(answer.code(), "NAME_UNKNOWN", "{path}");
    }
}
