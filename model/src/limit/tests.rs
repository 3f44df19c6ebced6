use super::*;

#[test]
fn a_refusal_names_size_limit_and_setting() {
    let limit = Limit::set(2 << 30, "server.limits.package_size");
    assert!(limit.require("upload", "the wheel", 2 << 30).is_ok());
    let problem = limit.require("upload", "the wheel", 2_362_232_013);
    let problem = problem.expect_err("too large");
    assert_eq!((problem.kind, problem.about), (Kind::TooLarge, "upload"));
    assert_eq!(
        problem.detail,
        "the wheel has 2.2 GiB: at most 2 GiB (the setting server.limits.package_size); ask the \
         server's operator to raise it"
    );
    // What differs by less than is shown is told to the byte.
    let problem = limit.exceeded("upload", "the wheel", Some((2 << 30) + 1));
    let exact = "the wheel has 2147483649 bytes: at most 2147483648 bytes (";
    assert!(problem.detail.starts_with(exact), "{problem}");
    let problem = limit.exceeded("upload", "the wheel", None);
    let unknown = "the wheel is larger than this server takes: at most 2 GiB (";
    assert!(problem.detail.starts_with(unknown), "{problem}");
}

#[test]
fn a_fixed_limit_names_no_setting() {
    let problem = Limit::fixed(1024).exceeded("body", "the body", Some(4096));
    assert_eq!(problem.detail, "the body has 4 KiB: at most 1 KiB");
}

#[test]
fn a_body_has_room_for_more_and_is_told_of_the_setting() {
    let body = Limit::set(1 << 20, "x").with_room(1024);
    assert_eq!(body.max_bytes, (1 << 20) + 1024);
    let problem = body.exceeded(Some(3 << 20));
    assert!(
        problem
            .detail
            .starts_with("the body has 3 MiB: at most 1 MiB (")
    );
    assert_eq!(Limit::NONE.with_room(9).max_bytes, u64::MAX);
    assert_eq!(Limit::set_unless_zero(0, "x").bytes, u64::MAX);
}
