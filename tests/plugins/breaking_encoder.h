// SPDX-License-Identifier: LGPL-2.1-or-later
// x264enc under the name of an encoder that no machine of ours has, which breaks when it is told to.
#pragma once

namespace headgate::test {

class BreakingEncoder {
 public:
  // From now on in this process, element nvh264enc. It fails after so many frames; -1: never.
  static void use(int frames);
  // Likewise fdkaacenc, of sound, until forget_sound().
  static void use_sound(int frames);
  static void forget_sound();
  static int alive();  // how many of video there are
};

}  // namespace headgate::test
