//! Upstreams that cannot be found, or are found where they must not be.

use crate::bed::{Bed, status};
use crate::wrong::{FORGETFUL, still_up};
use larder_tests::Fault;
use serde_json::json;

/// No name server knows a name below `invalid` (RFC 2606).
#[test]
fn a_name_that_leads_nowhere_is_told_and_forgotten() {
    let bed = Bed::with(&FORGETFUL);
    for mut shelf in bed.mirrors(b"a body") {
        let right = json!({"upstream": {"url": shelf.url(&bed.upstream), "allow_private": true}});
        for allow_private in [false, true] {
            let nowhere = format!("http://nowhere.invalid{}/", shelf.root);
            bed.change(&shelf, &json!({"upstream": {"url": nowhere, "allow_private": allow_private}}));
            for path in [shelf.index_here(), shelf.artifact_here("1.0.0")] {
                let refused = bed.get(&path).expect(503);
                assert!(refused.header("retry-after").is_some(), "{:?}", refused.headers);
                assert!(refused.text().contains("cannot be reached"), "{}", refused.text());
                bed.rest(&shelf);
            }
        }
        bed.change(&shelf, &right);
        bed.get(&shelf.index_here()).expect(200);
        bed.right(&shelf.artifact_here("1.0.0"), b"a body");
        // What is kept is served when the name is lost later on.
        bed.turn(10_000);
        bed.change(&shelf, &json!({"upstream": {"url": format!("http://nowhere.invalid{}/", shelf.root)}}));
        let answer = bed.get(&shelf.index_here()).expect(200);
        assert!(status(&answer).ends_with("detail=stale"), "{}", status(&answer));
        bed.right(&shelf.artifact_here("1.0.0"), b"a body");
        bed.change(&shelf, &right);
        // An index, or a redirect, that leads nowhere.
        let files = std::mem::replace(&mut shelf.files, "http://nowhere.invalid/".to_owned());
        shelf.put(&bed.upstream, "2.0.0", b"another body");
        bed.turn(10_000);
        bed.get(&shelf.artifact_here("2.0.0")).expect(503);
        bed.rest(&shelf);
        shelf.files = files;
        shelf.put(&bed.upstream, "2.0.0", b"another body");
        bed.turn(10_000);
        bed.upstream.fail(&shelf.artifact("2.0.0"), Fault::Redirect("http://nowhere.invalid/".to_owned()));
        bed.get(&shelf.artifact_here("2.0.0")).expect(503);
        bed.upstream.heal();
        bed.rest(&shelf);
        bed.right(&shelf.artifact_here("2.0.0"), b"another body");
    }
    still_up(&bed);
}
