//! The events in a callback's body, a line each.

use serde_json::Value;

/// One line an event. The error says why it is none of the bodies of this cloud.
pub fn callback_in_words(body: &[u8]) -> Result<Vec<String>, String> {
    let body: Value = serde_json::from_slice(body).map_err(|e| format!("the body is not JSON: {e}"))?;
    let mut lines = Vec::new();
    if let Some(eves) = body["eves"].as_array() {
        for eve in eves {
            for event in eve["events"].as_array().into_iter().flatten() {
                lines.push(live_event(text(&eve["uid"]), text(&eve["sid"]), event));
            }
        }
    } else if let Some(contents) = body["Contents"].as_array() {
        let channel = ["ChannelId", "ChannelID"].iter().find_map(|name| body[name].as_str()).unwrap_or("?");
        lines.extend(contents.iter().map(|content| rtc_event(channel, content)));
    } else if let Some(content) = body["content"].as_str() {
        lines.push(format!("may this be said? {content:?}"));
    } else {
        return Err("the body is none that is known here".into());
    }
    Ok(lines)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("?")
}

fn live_event(user: &str, sid: &str, event: &Value) -> String {
    let group = text(&event["g"]);
    match event["e"].as_i64() {
        Some(1) => format!("{user} logged on (sid {sid})"),
        Some(2) => match event["r"].as_i64() {
            Some(1) => format!("{user} logged off"),
            Some(3) => format!("{user} was logged off: not heard of for too long"),
            Some(4) => format!("{user} was logged off: logged on from elsewhere"),
            other => format!("{user} logged off, reason {other:?}"),
        },
        Some(3) => format!("{user} joined {group}"),
        Some(4) => format!("{user} left {group}"),
        Some(5) => {
            let groups: Vec<&str> = event["gs"].as_array().into_iter().flatten().map(text).collect();
            if groups.is_empty() { format!("{user} came back (sid {sid})") } else { format!("{user} came back, still in {}", groups.join(", ")) }
        }
        _ => format!("{user}: an unknown event {event}"),
    }
}

fn rtc_event(channel: &str, content: &Value) -> String {
    if let Some(event) = content.get("ChannelEvent") {
        return match text(&event["EventTag"]) {
            "Open" => format!("channel {channel} opened"),
            "Close" => format!("channel {channel} closed"),
            tag => format!("channel {channel}: {tag}"),
        };
    }
    let event = &content["UserEvent"];
    let user = text(&event["UserId"]);
    match text(&event["EventTag"]) {
        "Join" if event["Reason"] == 2 => format!("{user} joined channel {channel} again"),
        "Join" => format!("{user} joined channel {channel}"),
        "Leave" => match event["Reason"].as_i64() {
            Some(4) => format!("{user} left channel {channel}: not heard of for too long"),
            Some(5) => format!("{user} left channel {channel}: joined from elsewhere"),
            Some(6) => format!("{user} left channel {channel}: removed"),
            Some(7) => format!("{user} left channel {channel}: it was closed"),
            _ => format!("{user} left channel {channel}"),
        },
        "Roleupdate" => format!("{user} is now {} in channel {channel}", if event["Role"] == 1 { "a streamer" } else { "a viewer" }),
        tag => match (tag.strip_prefix("Publish"), tag.strip_prefix("Unpublish")) {
            (Some(medium), _) => format!("{user} publishes {} in channel {channel}", medium.to_lowercase()),
            (_, Some(medium)) => format!("{user} stopped publishing {} in channel {channel}", medium.to_lowercase()),
            _ => format!("{user}: {tag} in channel {channel}"),
        },
    }
}
