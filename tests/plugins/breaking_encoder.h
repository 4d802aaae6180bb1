// SPDX-License-Identifier: LGPL-2.1-or-later
// x264enc under the name of an encoder that no machine of ours has, which breaks when it is told to.
#pragma once

namespace headgate::test {

class BreakingEncoder {
 public:
  enum class Hang { no, blocks, swallows };
  // From now on in this process, element nvh264enc. It fails after so many frames; -1: never. Or it hangs
  // then: it does not come back until let_go(), or takes pictures and gives nothing.
  static void use(int frames, Hang hang = Hang::no);
  static void let_go();
  // Likewise fdkaacenc, of sound, until forget_sound().
  static void use_sound(int frames);
  static void forget_sound();
  static int alive();  // how many of video there are
};

}  // namespace headgate::test
