//! For the README: the methods of `tencentcloud-sdk-python-im` 0.9.4, the client of this API on PyPI, and which of them are
//! served. What is not is of friends, of profiles, or moves old data in.

use crate::tencent::command::Command;

/// Methods of the client and the commands that they call, by service, in the client's order.
const METHODS: &[(&str, &[(&str, &str)])] = &[
    (
        "im_open_login_svc",
        &[
            ("add_single_user", "account_import"),
            ("batch_add_users", "multiaccount_import"),
            ("del_user", "account_delete"),
            ("search_user", "account_check"),
            ("abolition_user_sig", "kick"),
        ],
    ),
    (
        "openim",
        &[
            ("check_user_online", "query_online_status"),
            ("send_message", "sendmsg"),
            ("batch_send_message", "batchsendmsg"),
            ("import_message_to_im", "importmsg"),
            ("get_message_list", "admin_getroammsg"),
            ("draw_message", "admin_msgwithdraw"),
            ("set_user_message_read", "admin_set_msg_read"),
            ("get_unread_num", "get_c2c_unread_msg_num"),
        ],
    ),
    (
        "group_open_http_svc",
        &[
            ("get_group", "get_appid_group_list"),
            ("create_group", "create_group"),
            ("get_group_detail", "get_group_info"),
            ("get_group_mem_info_detail", "get_group_member_info"),
            ("update_group_baseinfo", "modify_group_base_info"),
            ("add_group_member", "add_group_member"),
            ("delete_group_mem", "delete_group_member"),
            ("update_group_mem_info", "modify_group_member_info"),
            ("delete_group", "destroy_group"),
            ("get_joined_groups", "get_joined_group_list"),
            ("get_mem_role_in_group", "get_role_in_group"),
            ("forbid_send_msg", "forbid_send_msg"),
            ("get_group_shutup_list", "get_group_shutted_uin"),
            ("send_group_message", "send_group_msg"),
            ("send_system_message_in_group", "send_group_system_notification"),
            ("change_group_owner", "change_group_owner"),
            ("recall_group_message", "group_msg_recall"),
            ("import_message_to_group", "import_group_msg"),
            ("import_group_members", "import_group_member"),
            ("set_group_unread_msg_num", "set_unread_msg_num"),
            ("delete_group_msg_by_sender", "delete_group_msg_by_sender"),
            ("get_msg_in_group", "group_msg_get_simple"),
            ("get_online_member_num", "get_online_member_num"),
            ("update_group_attr", "modify_group_attr"),
            ("clean_group_attr", "clear_group_attr"),
        ],
    ),
    ("group_open_attr_http_svc", &[("get_group_attr", "get_group_attr")]),
    (
        "sns",
        &[
            ("add_friend", "friend_add"),
            ("delete_friends", "friend_delete"),
            ("update_friend", "friend_update"),
            ("get_target_friends", "friend_get_list"),
            ("get_friends", "friend_get"),
            ("add_sns_group", "group_add"),
            ("delete_sns_group", "group_delete"),
            ("get_sns_group", "group_get"),
        ],
    ),
];

/// The README's table, in Markdown.
fn table() -> String {
    let all: Vec<_> = METHODS.iter().flat_map(|(service, methods)| methods.iter().map(move |(method, command)| (*method, *service, *command))).collect();
    let is_served = |service, command| Command::find(service, command).is_ok();
    let served = all.iter().filter(|(_, service, command)| is_served(service, command)).count();
    let mut table = format!("| {served} of the {} methods of `tencentcloud-sdk-python-im` 0.9.4 | command | served |\n| --- | --- | --- |\n", all.len());
    for (method, service, command) in all {
        table += &format!("| {method} | {service}/{command} | {} |\n", if is_served(service, command) { "yes" } else { "no" });
    }
    table
}

#[test]
fn the_readme_tells_which_methods_are_served() {
    crate::readme::has_table("tencent python sdk", &table());
}

#[test]
fn each_method_is_listed_once() {
    let mut methods: Vec<_> = METHODS.iter().flat_map(|(_, methods)| methods.iter().map(|(method, _)| method)).collect();
    methods.sort();
    methods.dedup();
    assert_eq!(methods.len(), 47);
}
