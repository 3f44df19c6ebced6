use super::*;

fn shortage() -> Shortage {
    Shortage {
        of: "oci/team".into(),
        is_shared: false,
        unit: QuotaUnit::Bytes,
        limit: 10 << 20,
        used: 9 << 20,
        held: 0,
        wanted: (1 << 20) + (1 << 19),
    }
}

#[test]
fn a_shortage_tells_what_is_left_and_what_to_do() {
    assert_eq!(
        shortage().to_string(),
        "the quota of the repository oci/team is 10485760 bytes (10.0 MiB): 9437184 bytes (9.0 MiB) \
         used, 1048576 bytes (1.0 MiB) left, and this needs 1572864 bytes (1.5 MiB) more; delete \
         versions that are not needed, or ask for a larger quota"
    );
}

#[test]
fn a_shortage_of_versions_that_repositories_share_is_told() {
    let shared = Shortage {
        of: "npm/*".into(),
        is_shared: true,
        unit: QuotaUnit::Versions,
        limit: 3,
        used: 2,
        held: 1,
        wanted: 1,
    };
    assert_eq!(shared.left(), 0);
    assert_eq!(
        shared.to_string(),
        "the quota that repositories npm/* share is 3 versions: 2 versions used, 1 version held by \
         uploads that are not done, 0 versions left, and this needs 1 version more; delete versions \
         that are not needed, or ask for a larger quota"
    );
}

#[test]
fn nothing_is_left_where_the_limit_was_lowered() {
    let lowered = Shortage {
        limit: 5,
        ..shortage()
    };
    assert_eq!(lowered.left(), 0);
}

#[test]
fn limits_that_programs_could_not_read_are_found() {
    let limits = QuotaLimits {
        bytes: Some(MAX_LIMIT),
        versions: Some(MAX_LIMIT + 1),
    };
    assert_eq!(limits.too_large(), Some("versions"));
    assert_eq!(QuotaLimits::default().too_large(), None);
}
