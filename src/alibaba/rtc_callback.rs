//! Callbacks of channel events (`alibaba.md` §3.2): events become entries of `Contents`, entries of one
//! channel become a body, and each try gets its own headers. Who is told of what is not decided here.

use super::signature;
use crate::domain::{
    Millis,
    app::App,
    channel::{Media, Medias, Role},
    endpoint::{CallbackUrl, EndpointId},
    event::{ChannelEvent, InChannel, Reason, UserInChannel},
    outbox::Freezing,
};
use serde::Serialize;
use serde_json::value::RawValue;

/// One entry of `Contents`.
#[derive(Serialize)]
struct Entry<'a> {
    #[serde(rename = "Event")]
    event: &'static str,
    #[serde(rename = "UserEvent", skip_serializing_if = "Option::is_none")]
    user: Option<UserEvent<'a>>,
    #[serde(rename = "ChannelEvent", skip_serializing_if = "Option::is_none")]
    channel: Option<Told<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct UserEvent<'a> {
    user_id: &'a str,
    event_tag: &'static str,
    session_id: &'a str,
    timestamp: i64,
    /// Only of joining and leaving.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<u8>,
    role: u8,
    /// What is published after the event. Left out where the user has left.
    #[serde(skip_serializing_if = "Option::is_none")]
    current_medias: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Told<'a> {
    channel_id: &'a str,
    event_tag: &'static str,
    timestamp: i64,
}

/// One event, as every subscription of it is told.
pub fn render(event: &ChannelEvent) -> String {
    let timestamp = event.at.seconds();
    let of_channel = |event_tag| {
        let told = Told { channel_id: event.channel.as_str(), event_tag, timestamp };
        Entry { event: "ChannelEvent", user: None, channel: Some(told) }
    };
    let entry = match &event.what {
        InChannel::Opened => of_channel("Open"),
        InChannel::Closed => of_channel("Close"),
        InChannel::User { user, stay, role, medias, what } => {
            let (event_tag, reason) = tag(*what);
            let current_medias = (!matches!(what, UserInChannel::Left(_))).then(|| numbers(*medias));
            let role = match role {
                Role::Streamer => 1,
                Role::Viewer => 2,
            };
            let user = UserEvent { user_id: user.as_str(), event_tag, session_id: stay.as_str(), timestamp, reason, role, current_medias };
            Entry { event: "UserEvent", user: Some(user), channel: None }
        }
    };
    serde_json::to_string(&entry).expect("strings and numbers")
}

fn tag(what: UserInChannel) -> (&'static str, Option<u8>) {
    match what {
        UserInChannel::Joined(reason) => ("Join", Some(number(reason))),
        UserInChannel::Left(reason) => ("Leave", Some(number(reason))),
        UserInChannel::Published(Media::Audio) => ("PublishAudio", None),
        UserInChannel::Published(Media::Video) => ("PublishVideo", None),
        UserInChannel::Published(Media::Screen) => ("PublishScreen", None),
        UserInChannel::Unpublished(Media::Audio) => ("UnpublishAudio", None),
        UserInChannel::Unpublished(Media::Video) => ("UnpublishVideo", None),
        UserInChannel::Unpublished(Media::Screen) => ("UnpublishScreen", None),
        UserInChannel::RoleChanged => ("Roleupdate", None),
    }
}

fn number(reason: Reason) -> u8 {
    match reason {
        Reason::Normal => 1,
        Reason::Rejoined => 2,
        Reason::Relayed => 3,
        Reason::TimedOut => 4,
        Reason::Displaced => 5,
        Reason::Kicked => 6,
        Reason::ChannelClosed => 7,
    }
}

/// As in the document's sample: `1,2,3`.
fn numbers(medias: Medias) -> String {
    let number = |media| match media {
        Media::Audio => "1",
        Media::Video => "2",
        Media::Screen => "3",
    };
    medias.iter().map(number).collect::<Vec<_>>().join(",")
}

/// The body of one POST. The document spells two ids in another way than the cloud itself; unless
/// `strict`, both spellings are there (`alibaba.md` §6 no. 1).
pub fn freeze(freezing: &Freezing, strict: bool) -> Vec<u8> {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Body<'a> {
        msg_id: &'a str,
        msg_timestamp: i64,
        subscribe_id: &'a str,
        #[serde(rename = "SubscribeID", skip_serializing_if = "Option::is_none")]
        subscribe_id_too: Option<&'a str>,
        app_id: &'a str,
        channel_id: &'a str,
        #[serde(rename = "ChannelID", skip_serializing_if = "Option::is_none")]
        channel_id_too: Option<&'a str>,
        contents: Vec<Box<RawValue>>,
    }
    let subscription = match freezing.endpoint {
        EndpointId::Subscription(_, id) => id.as_str(),
        EndpointId::LiveEvents(_) => "",
    };
    let channel = freezing.events.first().map_or("", |(subject, _)| subject);
    let entry = |(_, payload): &(String, String)| match RawValue::from_string(payload.clone()) {
        Ok(entry) => Some(entry),
        Err(_) => {
            // One bad row must not make the others undeliverable.
            tracing::error!(subscription, "a stored event is not readable and is left out of its callback");
            None
        }
    };
    let body = Body {
        msg_id: &freezing.delivery.0,
        msg_timestamp: freezing.at.seconds(),
        subscribe_id: subscription,
        subscribe_id_too: (!strict).then_some(subscription),
        app_id: freezing.endpoint.app().as_str(),
        channel_id: channel,
        channel_id_too: (!strict).then_some(channel),
        contents: freezing.events.iter().filter_map(entry).collect(),
    };
    serde_json::to_vec(&body).expect("strings and JSON")
}

/// The headers of one POST to `url`. Made anew at each try: the time of the try is signed.
pub fn headers(url: &str, app: &App, now: Millis) -> Vec<(&'static str, String)> {
    let host = CallbackUrl::parse(url).map(|url| url.host).unwrap_or_default();
    let timestamp = now.seconds().to_string();
    let signature = signature::rtc_callback(&host, &timestamp, &app.key);
    vec![("Content-Type", "application/json".into()), ("Ali-Rtc-Timestamp", timestamp), ("Ali-Rtc-Signature", signature)]
}

/// Anything but 200 is tried again.
pub fn is_success(status: u16) -> bool {
    status == 200
}
