/*
 * Copyright (c) lautan.lvs contributors
 * GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Managed by Ansible (lautan.lvs.web)
 *
 * Signed tokens for the rooms of a conference, and credentials for TURN. They say until when they are good, so that nothing has
 * to be kept, and any real server's is good on every other one. And keys, which stand for PINs in Janus: nobody can guess those,
 * and how fast PINs are tried here is limited.
 *
 * It runs in nginx (njs 0.7.9 or later), which reads the settings as root when it reads its configuration. The workers cannot
 * read the file again.
 */
import crypto from 'crypto';
import settings from 'settings.js';

function signature(secret, text) {
    return crypto.createHmac('sha1', secret).update(text).digest('base64');
}

// Janus knows two: one for the server, which names the plugin that may be used, and one for a room of that plugin.
function signed(secret, words) {
    const text = words.join(',');
    return text + ':' + signature(secret, text);
}

// While it changes, some servers have the old one still: what counts is where the room is at home.
async function secretOf(room) {
    if (!settings.old.servers.length) {
        return settings.tokenSecret;
    }
    const owner = await ngx.fetch('http://127.0.0.1:8082/owner/' + room);
    return settings.old.servers.indexOf(owner.headers.get('X-Owner')) < 0 ? settings.tokenSecret : settings.old.tokenSecret;
}

async function answer(r) {
    const secret = await secretOf(r.variables.room);
    const now = Math.floor(Date.now() / 1000);
    const expires = now + settings.seconds;
    const plugin = 'janus.plugin.videoroom';
    // coturn counts what each user has: one that two people share would lock them out.
    const user = expires + ':' + Math.random().toString(36).slice(2);
    r.headersOut['Content-Type'] = 'application/json';
    r.return(200, JSON.stringify({
        token: signed(secret, [expires, 'janus', plugin]),
        room_token: signed(secret, [expires, plugin, 'room=' + r.variables.room]),
        expires: expires,
        refresh: Math.floor(settings.seconds / 2),
        ice: [{urls: settings.turnUrls, username: user, credential: signature(settings.turnSecret, user)}],
    }));
}

// As role webrtc derives it for Janus.
function derived(kind, room, pin) {
    return crypto.createHash('sha256').update([settings.keySecret, kind, room, pin].join(',')).digest('hex');
}

function key(r) {
    const room = r.variables.room;
    const kind = r.headersIn['X-Kind'];
    const pins = settings.pins[room] || {};
    let given = '';
    try {
        given = decodeURIComponent(r.headersIn['X-Pin'] || '');
    } catch (e) {
        // What cannot be decoded is no PIN.
    }
    if ((kind != 'pin' && kind != 'secret') || !given || given !== pins[kind]) {
        r.return(403);
        return;
    }
    r.headersOut['Content-Type'] = 'application/json';
    r.return(200, JSON.stringify({key: derived(kind, room, given)}));
}

export default {answer, key};
