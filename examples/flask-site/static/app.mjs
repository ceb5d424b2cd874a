// Says at once how large a chosen picture is, instead of after the upload.
const form = document.querySelector("form[data-limit-bytes]");

form?.addEventListener("change", () => {
  const [file] = form.elements.picture.files;
  const limit = Number(form.dataset.limitBytes);
  const mebibytes = (bytes) => `${(bytes / 2 ** 20).toFixed(1)} MiB`;
  const isTooLarge = file !== undefined && file.size >= limit;

  form.querySelector("output").textContent = file
    ? mebibytes(file.size) + (isTooLarge ? `, and the limit is ${mebibytes(limit)}` : "")
    : "";
  form.querySelector("button").disabled = isTooLarge;
});
