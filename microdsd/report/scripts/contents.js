// The contents list marks the section that is being read: the last one whose heading has gone by.

const entries = [...document.querySelectorAll(".contents li")];
const chapters = entries.map((entry) =>
  document.querySelector(entry.querySelector("a").getAttribute("href")),
);

function markChapter() {
  const line = window.innerHeight / 3;
  const gone = chapters.filter((chapter) => chapter.getBoundingClientRect().top < line).length;
  entries.forEach((entry, i) => {
    if (i === gone - 1) entry.setAttribute("aria-current", "true");
    else entry.removeAttribute("aria-current");
  });
}

if (entries.length) {
  document.addEventListener("scroll", markChapter, { passive: true });
  markChapter();
}
