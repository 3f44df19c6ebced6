//! Numbers of an upstream that are larger than anything real.

use crate::bed::Bed;
use crate::images_wrong::{manifest_path, put_image};
use crate::wrong::{FORGETFUL, still_up};
use larder_tests::image::Image;
use larder_tests::random::Random;
use larder_tests::{Fault, Shelf};
use serde_json::json;

#[test]
fn a_token_may_say_that_it_lasts_for_ever() {
    let bed = Bed::new();
    let shelf = Shelf::new("oci", &bed.upstream);
    bed.make(
        &shelf,
        &json!({"url": bed.upstream.url(), "allow_private": true}),
    );
    let image = Image::random(&mut Random::seeded(), &[700]);
    put_image(&bed.upstream, "1", &image);
    let endpoint = "/token?service=here&scope=repository%3Ateam%2Fapp%3Apull";
    let challenge = format!(
        "Bearer realm=\"{}token\",service=\"here\"",
        bed.upstream.url()
    );
    bed.upstream
        .fail(&manifest_path("1"), Fault::Challenge(challenge));
    for life in ["18446744073709551615", "1e200", "-1"] {
        bed.upstream
            .put(endpoint, format!(r#"{{"token":"t","expires_in":{life}}}"#));
        bed.rest(&shelf);
        bed.turn(10_000);
        bed.upstream.take_asked();
        let answer = bed.get("/v2/up/team/app/manifests/1").expect(200);
        assert_eq!(answer.header("age"), Some("0"), "{life}");
        assert_eq!(bed.upstream.count(endpoint), 1, "{life}");
    }
    still_up(&bed);
}

#[test]
fn a_size_that_cannot_be_is_refused() {
    let bed = Bed::with(&FORGETFUL);
    for shelf in bed.mirrors(b"a body") {
        for path in [shelf.index(), shelf.artifact("1.0.0")] {
            let more = usize::try_from(i64::MAX).expect("number");
            bed.upstream.fail(&path, Fault::TooLong(more));
            let refused = bed.get(&shelf.artifact_here("1.0.0")).expect(502);
            let text = refused.text();
            assert!(
                text.contains("more bytes than there can be"),
                "{path}: {text}"
            );
            bed.upstream.heal();
        }
        bed.right(&shelf.artifact_here("1.0.0"), b"a body");
    }
}
