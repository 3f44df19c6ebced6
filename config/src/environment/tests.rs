use super::*;

#[test]
fn keys_and_variables_name_each_other() {
    assert_eq!(
        variable_of("server.limits.header_size"),
        "LARDER_SERVER__LIMITS__HEADER_SIZE"
    );
    assert_eq!(
        path_of("LARDER_SERVER__LIMITS__HEADER_SIZE"),
        "server.limits.header_size"
    );
    assert_eq!(path_of("LARDER_DATA"), "data");
}

#[test]
fn others_are_left_alone() {
    for (name, value) in [
        ("PATH", "/bin"),
        ("larder_data", "x"),
        ("LARDERS", "x"),
        ("LARDER_CONFIG", "x"),
        ("LARDER_ADMIN_PASSWORD", "x"),
        ("LARDER_SERVER", "x"),
        ("LARDER_TOKEN", "x"),
        ("LARDER_PROFILE", "x"),
        ("LARDER_FAULTS", "x"),
        ("LARDER_TEST_ANYTHING", "x"),
        ("LARDER_SERVICE_HOST", "10.96.0.7"),
        ("LARDER_SERVICE_PORT", "7070"),
        ("LARDER_SERVICE_PORT_HTTP", "7070"),
        ("LARDER_PORT", "tcp://10.96.0.7:7070"),
        ("LARDER_PORT_7070_TCP", "tcp://10.96.0.7:7070"),
        ("LARDER_PORT_7070_TCP_ADDR", "10.96.0.7"),
        ("LARDER_BACKEND_PORT_7070_TCP_PROTO", "tcp"),
    ] {
        assert!(!is_ours(name, value), "{name}");
    }
    for (name, value) in [
        ("LARDER_PORT", "7070"),
        ("LARDER_PORT_TCP", "x"),
        ("LARDER_SERVER_LISTEN", "x"),
    ] {
        assert!(is_ours(name, value), "{name}");
    }
}
